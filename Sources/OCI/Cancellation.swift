// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Asks work on another thread to end, because its result is no longer needed.
public final class Cancellation: Sendable {
    private let flag = Atomic(false)

    public init() {}

    public func cancel() { flag.store(true, ordering: .releasing) }
    public var isCancelled: Bool { flag.load(ordering: .acquiring) }
}
