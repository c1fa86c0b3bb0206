// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI
private import Synchronization
internal import Threading

/// Runs jobs that list layers, a limited number at a time. A kit may have more layers than that. A job that had to wait
/// for its turn does not wait again for a registry that another job gave up meanwhile; otherwise no wait would be
/// bounded.
final class ListingQueue: Sendable {
    private struct Failure: Sendable {
        let error: StoreError
        let at: ContinuousClock.Instant
    }

    private let pool = WorkerPool(limit: 64)
    private let patience: Duration
    private let lastFailure = Mutex<Failure?>(nil)

    /// `patience`: a job that waits for its turn longer than this gives up if the registry failed meanwhile.
    init(patience: Duration) { self.patience = patience }

    /// Runs a job on a thread that may block. The job gets an error if it should give up at once, and returns the error
    /// that it fails with.
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
