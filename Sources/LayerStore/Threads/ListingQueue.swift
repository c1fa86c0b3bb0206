// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI
private import Synchronization
internal import Threading

/// Runs what lists layers, so many at a time. A kit may have more layers than that: those that had to wait for their
/// turn do not wait once more for a registry that was given up meanwhile, or no wait would be bounded.
final class ListingQueue: Sendable {
    private struct Failure: Sendable {
        let error: StoreError
        let at: ContinuousClock.Instant
    }

    private let pool = WorkerPool(limit: 64)
    private let patience: Duration
    private let lastFailure = Mutex<Failure?>(nil)

    /// `patience`: whoever waits no longer than this for a turn has lost nothing.
    init(patience: Duration) { self.patience = patience }

    /// Runs a job, on a thread that may block. It gets the reason to give up at once, if there is one, and returns what
    /// it failed with.
    func submit(_ job: @escaping @Sendable (StoreError?) -> StoreError?) {
        let asked = ContinuousClock.now
        pool.submit { [self] in
            let isLate = ContinuousClock.now - asked > patience
            let givenUp = isLate ? lastFailure.withLock { $0.flatMap { $0.at > asked ? $0.error : nil } } : nil
            guard let error = job(givenUp), givenUp == nil, case .source(.unreachable) = error else { return }
            lastFailure.withLock { $0 = Failure(error: error, at: .now) }
        }
    }

    func waitUntilIdle() { pool.waitUntilIdle() }
}
