// SPDX-License-Identifier: Apache-2.0

/// What a mount's process publishes of its activity, next to its record. After an upgrade it may be another version's.
package struct MountActivity: Codable, Equatable, Sendable {
    /// How files that are whole and large are read.
    package var io: IO?
    /// By the layer's ordinal in the record.
    package var layers: [String: Layer] = [:]

    package init(io: IO? = nil) { self.io = io }

    package struct IO: Codable, Equatable, Sendable {
        /// `passthrough` or `read`.
        package let mode: String
        /// Why it is `read`.
        package let reason: String?

        package init(mode: String, reason: String?) {
            self.mode = mode
            self.reason = reason
        }
    }

    package struct Layer: Codable, Equatable, Sendable {
        /// The raw value of `Layer.Status.Stage`.
        package let stage: String
        /// Bytes of the blob that are here.
        package let cached: UInt64
        /// Whether nothing is under way. Readers that can open the cache know better then.
        package let isAtRest: Bool
        /// Bytes of the blob that this process has fetched.
        package let received: UInt64
        /// Bytes a second by which `cached` has grown lately, whichever process fetches them.
        package let rate: UInt64
        /// The last failure.
        package let error: String?
        /// When that failure was first seen; seconds since 1970.
        package let errorTime: Int64?
        package let waits: [Wait]

        package init(
            stage: String, cached: UInt64, isAtRest: Bool, received: UInt64, rate: UInt64, error: String?,
            errorTime: Int64?, waits: [Wait]
        ) {
            self.stage = stage
            self.cached = cached
            self.isAtRest = isAtRest
            self.received = received
            self.rate = rate
            self.error = error
            self.errorTime = errorTime
            self.waits = waits
        }

        /// How many operations wait for it.
        package var waiters: Int { waits.reduce(0) { $0 + $1.count } }
    }

    /// Operations of one kind that wait for a layer.
    package struct Wait: Codable, Equatable, Sendable {
        package let operation: String
        package var count: Int
        /// When the first of them began to wait; seconds since 1970.
        package var since: Int64
        /// Threads that wait: the lowest numbers, at most 16.
        package var callers: [Int32]

        package init(operation: String, count: Int, since: Int64, callers: [Int32]) {
            self.operation = operation
            self.count = count
            self.since = since
            self.callers = callers
        }
    }

    package var byOrdinal: [Int: Layer] {
        layers.reduce(into: [:]) { result, item in
            if let ordinal = Int(item.key) { result[ordinal] = item.value }
        }
    }
}
