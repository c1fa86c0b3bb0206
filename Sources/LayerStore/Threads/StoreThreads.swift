// SPDX-License-Identifier: Apache-2.0
internal import Threading

/// All threads of a store: what runs on which, how many there are at most, and how to wait for them.
///
/// A thread is made when there is work and ends after two idle seconds. Each job may block. At most
/// `4 + 32 + 16 + concurrency + 4 + 8 + 64 + 256 + 1` threads work at a time, besides the clock and the keeper of idle
/// layers.
final class StoreThreads: Sendable {
    /// For jobs that need only the disk.
    let local = WorkerPool(limit: 4)
    /// For requests that readers wait for.
    let demanding = WorkerPool(limit: 32)
    /// For requests that readers will need next.
    let readingAhead = WorkerPool(limit: 16)
    /// For requests of layers that are wanted as a whole.
    let fetching: WorkerPool
    let verifying = WorkerPool(limit: 4)
    /// Two threads for each of `verifying`: decompressed content is hashed and written on a second thread.
    let placing = WorkerPool(limit: 8)
    let listing: ListingQueue
    /// For the requests of `HeaderGuesses`. Where each header is a request, a round trip of 100 ms and members of 500
    /// KB need 256 of them to list a tar in a quarter of the time that its download takes at 100 MB/s.
    let guessing = WorkerPool(limit: 256)
    /// For snapshots. Nobody waits for them.
    let snapshots = SnapshotQueue()
    let clock = TransferClock()
    /// Layers that were closed a moment ago, of the whole process.
    let idleLayers = IdleLayers.shared

    /// `concurrency`: requests at a time for layers that are wanted as a whole, 1 or more. `timeout`: seconds without
    /// progress after which to give up.
    init(concurrency: Int, timeout: Int) {
        fetching = WorkerPool(limit: max(1, concurrency))
        listing = ListingQueue(patience: .milliseconds(timeout * 400))
    }

    var fetcherQueues: Fetcher.Queues {
        Fetcher.Queues(demanded: demanding, ahead: readingAhead, whole: fetching)
    }

    /// Blocks until no job runs or waits. The caller must first cancel what the jobs wait for.
    func waitUntilIdle() {
        for pool in [local, fetching, demanding, readingAhead, verifying, placing] { pool.waitUntilIdle() }
        listing.waitUntilIdle()
        guessing.waitUntilIdle()
        snapshots.waitUntilIdle()
        local.waitUntilIdle()
    }
}

extension WorkerPool: JobQueue {}
