// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Reads that wait for the network. The kernel stops sending requests at its background limit, even those that could be
/// answered at once. The number of held reads therefore stays below it: the oldest is given up with EIO.
final class HeldReads: Sendable {
    typealias ID = UInt64

    private struct State: Sendable {
        var reads: [ID: @Sendable () -> Void] = [:]
        var oldest: ID = 0
        var next: ID = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(1, limit) }

    /// Returns the number of a read that will be held.
    func number() -> ID {
        state.withLock { state in
            state.next += 1
            return state.next - 1
        }
    }

    /// `giveUp` answers the read with an error. It must do nothing if the read was answered before.
    func add(_ id: ID, _ giveUp: @escaping @Sendable () -> Void) {
        let surplus = state.withLock { state -> (@Sendable () -> Void)? in
            state.reads[id] = giveUp
            // Reads may be added in another order than they were numbered.
            state.oldest = min(state.oldest, id)
            guard state.reads.count > limit else { return nil }
            while state.reads[state.oldest] == nil, state.oldest < state.next { state.oldest += 1 }
            return state.reads.removeValue(forKey: state.oldest)
        }
        surplus?()
    }

    func remove(_ id: ID) {
        state.withLock { state in
            state.reads[id] = nil
        }
    }
}
