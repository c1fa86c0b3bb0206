// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

extension Layer {
    /// What `status` and `inspect` show of a layer.
    public struct Status: Sendable, Equatable {
        public enum Stage: String, Sendable { case absent, partial, fetching, cached, failed }
        public let stage: Stage
        /// Bytes of the blob that are in the cache.
        public let cached: UInt64
        public let isVerified: Bool
        public let error: StoreError?
        /// Who waits: for entries, for the whole layer, for a part of it.
        public var waiters = 0
    }

    /// What goes on in this process, without a look at the cache; nil for a layer at rest.
    public var activity: Status? {
        let (content, transfer, lastError, objection, waiters, isFetching) = state.withLock { state in
            (
                state.content.value, state.transfer.value, state.lastError ?? state.objection, state.objection,
                state.index.waiters.count + state.content.waiters.count + state.transfer.waiters.count,
                !state.content.waiters.isEmpty
            )
        }
        if let content, !content.isGone {
            return Status(stage: .cached, cached: descriptor.size, isVerified: true, error: objection)
        }
        let trouble = isFetching || waiters > 0 || transfer?.isWanted == true ? source.trouble : nil
        let error = trouble.map { StoreError.source(.unreachable($0)) } ?? lastError
        if let transfer {
            let readers = transfer.waiterCount
            return Status(
                stage: isFetching || readers > 0 ? .fetching : error == nil ? .partial : .failed,
                cached: transfer.chunks.presentBytes, isVerified: false, error: error, waiters: waiters + readers)
        }
        if isFetching || waiters > 0 {
            return Status(stage: .fetching, cached: 0, isVerified: false, error: error, waiters: waiters)
        }
        return error.map { Status(stage: .failed, cached: 0, isVerified: false, error: $0) }
    }

    /// Bytes of its content that this process has fetched, also those that were dropped again.
    public var receivedBytes: UInt64 { received.value }

    public var status: Status {
        let activity = activity
        if let activity, activity.stage != .failed { return activity }
        return services.cache.status(key, blobSize: descriptor.size, error: activity?.error)
    }
}
