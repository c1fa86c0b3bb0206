// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Threading

/// How far a fill has come, from the blob's first byte without a gap: the fetching thread moves it, the verifying one
/// follows it.
final class FillFront: Sendable {
    private struct State {
        var position: UInt64 = 0
        var isFinished = false
        var failure: (any Error)?
    }

    private let state = Monitor(State())

    func advance(to position: UInt64) {
        state.update { $0.position = max($0.position, position) }
    }

    /// Nothing more will come.
    func finish() {
        state.update { $0.isFinished = true }
    }

    /// Waits for more than `position`; nil once nothing more will come.
    func wait(beyond position: UInt64) -> UInt64? {
        state.wait { state in
            if state.position > position { return .some(state.position) }
            return state.isFinished ? .some(nil) : nil
        }
    }

    /// The follower cannot go on: the fetch is for nothing.
    func fail(_ error: any Error) {
        state.update { $0.failure = error }
    }

    func checkFollower() throws {
        if let failure = state.update({ $0.failure }) { throw failure }
    }
}

/// Hashes a blob as it is read back, on a thread of its own, and compares it with its digest at the end.
final class Verification: Sendable {
    private let front: FillFront
    private let follower: any FillFollower
    private let key: LayerKey
    private let blobSize: UInt64
    private let cancellation: Cancellation
    private let outcome = Monitor<Result<LayerIndex, any Error>?>(nil)

    init(front: FillFront, follower: any FillFollower, key: LayerKey, blobSize: UInt64, cancellation: Cancellation) {
        self.cancellation = cancellation
        self.front = front
        self.follower = follower
        self.key = key
        self.blobSize = blobSize
    }

    func start() {
        BackgroundThread.start { [self] in
            let result = Result { try verify() }
            if case .failure(let error) = result { front.fail(error) }
            outcome.update { $0 = result }
        }
    }

    private static let stride: UInt64 = 64 << 20

    /// The index of the verified layer. Throws `StoreError.digestMismatch`, or why the layer is none.
    func wait() throws -> LayerIndex {
        try outcome.wait { $0 }.get()
    }

    private func verify() throws -> LayerIndex {
        let hasher = DigestHasher(key.digest.algorithm)
        var position: UInt64 = 0
        while position < blobSize {
            guard let reached = front.wait(beyond: position), !cancellation.isCancelled else {
                throw SourceError.cancelled
            }
            // Not too far at a time: a shutdown waits for it.
            let end = min(reached, position + Self.stride)
            try follower.follow(to: end) { hasher.update($0) }
            position = end
        }
        let found = hasher.finalize()
        guard found == key.digest else { throw StoreError.digestMismatch(expected: key.digest, found: found) }
        return try follower.finish()
    }
}
