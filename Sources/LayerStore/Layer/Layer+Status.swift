// SPDX-License-Identifier: Apache-2.0
public import LayerCache
internal import OCI

extension Layer {
    /// The status of work in this process, without a look at the cache; nil for a layer at rest.
    public var activity: Status? {
        let objection = indexStage.objection
        if let content = contentStage.open, !content.isGone {
            return Status(stage: .cached, cached: descriptor.size, isVerified: true, error: objection)
        }
        let transfer = transfer
        let counts = contentStage.waiterCounts
        let waiters = indexStage.waiterCount + counts.whole + counts.setup
        let isFetching = counts.whole > 0
        let trouble = isFetching || waiters > 0 || transfer?.isWanted == true ? source.trouble : nil
        let error =
            trouble.map { StoreError.source(.unreachable($0)) } ?? contentStage.verdict.error ?? objection
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

    /// Bytes of the blob that this process has fetched, including bytes that were dropped again.
    public var receivedBytes: UInt64 { received.value }

    public var status: Status {
        let activity = activity
        if let activity, activity.stage != .failed { return activity }
        return services.cache.status(key, blobSize: descriptor.size, error: activity?.error)
    }
}
