// SPDX-License-Identifier: Apache-2.0

/// A layer's status, as `status` and `inspect` show it.
public struct LayerStatus: Sendable, Equatable {
    public enum Stage: String, Sendable { case absent, partial, fetching, cached, failed }
    public let stage: Stage
    /// Bytes of the blob that are in the cache.
    public let cached: UInt64
    public let isVerified: Bool
    public let error: StoreError?
    /// The number of waiters: for entries, for the whole layer, or for a part of it.
    public var waiters: Int

    package init(stage: Stage, cached: UInt64, isVerified: Bool, error: StoreError?, waiters: Int = 0) {
        self.stage = stage
        self.cached = cached
        self.isVerified = isVerified
        self.error = error
        self.waiters = waiters
    }
}
