// SPDX-License-Identifier: Apache-2.0
public import LayerCache
internal import LayerStore
public import OCI
private import Synchronization

/// What came of an operation that may not block.
public enum Attempt<Value> {
    case done(Value)
    case failed(FileSystemError)
    /// Wait for these with `KitFileSystem.whenMet`, then try again.
    case needs([Need])
}

extension Attempt: Sendable where Value: Sendable {}

/// Something of a layer that has to be here first.
public struct Need: Hashable, Sendable {
    public enum What: Hashable, Sendable {
        case index
        /// All of it, verified.
        case content
        /// These bytes of the uncompressed layer; so many behind them will be wanted next.
        case range(ByteRange, ahead: UInt64)
    }

    public let what: What
    /// The layer's place in the mount.
    public let layer: Int
}

/// What an operation has waited for in vain, by layer. Operations that can do without are tried again with this.
public typealias Failures = [Int: StoreError]

/// A wait that is under way.
public final class PendingWait: Sendable {
    private let cancels = Mutex<[@Sendable () -> Void]>([])

    func onCancel(_ body: @escaping @Sendable () -> Void) { cancels.withLock { $0.append(body) } }

    /// Nobody waits any more: fetches that nobody else waits for end.
    public func cancel() {
        let bodies = cancels.withLock { bodies in
            defer { bodies = [] }
            return bodies
        }
        for body in bodies { body() }
    }
}
