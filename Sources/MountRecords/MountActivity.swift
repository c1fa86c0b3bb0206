// SPDX-License-Identifier: Apache-2.0

/// What a mount's process tells of what goes on, beside its record; it may be another version's, after an upgrade.
struct MountActivity: Codable, Equatable {
    /// How files that are whole and large are read.
    var io: IO?
    /// By the layer's place in the record.
    var layers: [String: Layer] = [:]

    struct IO: Codable, Equatable {
        /// `passthrough` or `read`.
        let mode: String
        /// Why it is `read`.
        let reason: String?
    }

    struct Layer: Codable, Equatable {
        /// As of `LayerStore`'s `Layer.Status`.
        let stage: String
        /// Bytes of the blob that are here.
        let cached: UInt64
        /// Nothing of it goes on: who can look at the cache themselves know better.
        let isAtRest: Bool
        /// Bytes of the blob that this process has fetched.
        let received: UInt64
        /// Bytes a second by which `cached` has grown in the last seconds, whoever fetches them.
        let rate: UInt64
        /// What went wrong last.
        let error: String?
        /// When it was first told; seconds since 1970.
        let errorTime: Int64?
        let waits: [Wait]

        /// How many operations wait for it.
        var waiters: Int { waits.reduce(0) { $0 + $1.count } }
    }

    /// Operations of one kind that wait for a layer.
    struct Wait: Codable, Equatable {
        let operation: String
        var count: Int
        /// When the first of them began to wait; seconds since 1970.
        var since: Int64
        /// Threads that wait, as far as they are to be named.
        var callers: [Int32]
    }

    var byPlace: [Int: Layer] {
        layers.reduce(into: [:]) { result, item in
            if let place = Int(item.key) { result[place] = item.value }
        }
    }
}

extension MountRecord {
    typealias Activity = MountActivity.Layer
}
