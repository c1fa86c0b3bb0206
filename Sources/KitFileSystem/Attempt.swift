// SPDX-License-Identifier: Apache-2.0
public import LayerCache
internal import LayerStore
public import OCI

/// The outcome of an operation that must not block.
public enum Attempt<Value> {
    case done(Value)
    case failed(FileSystemError)
    /// Ask for these with `KitFileSystem.require`, then try again.
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
    /// The layer's ordinal.
    public let layer: Int
}

/// What an operation has waited for in vain, by layer. The operation is tried again with these and may do without.
public typealias Failures = [Int: StoreError]
