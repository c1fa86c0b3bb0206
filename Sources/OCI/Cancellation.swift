// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Tells work on another thread that nobody wants its result any more.
public final class Cancellation: Sendable {
    private let flag = Atomic(false)

    public init() {}

    public func cancel() { flag.store(true, ordering: .releasing) }
    public var isCancelled: Bool { flag.load(ordering: .acquiring) }
}
