// SPDX-License-Identifier: Apache-2.0
internal import Threading

/// All threads of a store: what runs on which, how many there are at most, and that they end with it.
///
/// A thread is made when there is work and ends after two idle seconds; each job may block. At most
/// `4 + 32 + 16 + concurrency + 4 + 8 + 64 + 256 + 1` work at a time, beside the clock and the keeper of idle layers.
final class StoreThreads: Sendable {
    /// For what needs the disk only.
    let local = WorkerPool(limit: 4)
    /// For what readers wait for.
    let demanding = WorkerPool(limit: 32)
    /// For what readers will want next.
    let readingAhead = WorkerPool(limit: 16)
    /// For what is wanted as a whole.
    let fetching: WorkerPool
    let verifying = WorkerPool(limit: 4)
    /// With two threads for each of `verifying`: what is decompressed is hashed and written beside that.
    let placing = WorkerPool(limit: 8)
    let listing: ListingQueue
    /// For headers that are asked for before it is known that they are there. A round trip of 100 ms and 500 KB a member
    /// need 256 of them, to list in a quarter of the time of a download at 100 MB/s, where each header is a request.
    let guessing = WorkerPool(limit: 256)
    /// For what is made durable now and then; nobody waits for it.
    let snapshots = SnapshotQueue()
    let clock = TransferClock()
    /// Of the process: layers that were closed a moment ago.
    let idleLayers = IdleLayers.shared

    /// `concurrency`: requests at a time for what is wanted as a whole, 1 or more. `timeout`: seconds without progress
    /// after which to give up.
    init(concurrency: Int, timeout: Int) {
        fetching = WorkerPool(limit: max(1, concurrency))
        listing = ListingQueue(patience: .milliseconds(timeout * 400))
    }

    var fetcherQueues: Fetcher.Queues {
        Fetcher.Queues(demanded: demanding, ahead: readingAhead, whole: fetching)
    }

    /// Blocks until no job runs or waits. Whoever ends a store has cancelled what they would wait for.
    func waitUntilIdle() {
        for pool in [local, fetching, demanding, readingAhead, verifying, placing] { pool.waitUntilIdle() }
        listing.waitUntilIdle()
        guessing.waitUntilIdle()
        snapshots.waitUntilIdle()
        local.waitUntilIdle()
    }
}

extension WorkerPool: JobQueue {}
