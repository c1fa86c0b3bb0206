// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import OCI

/// Delays between retries: 0.1 s at first, doubled up to 5 s. Jitter spreads the retries of many jobs.
struct Backoff {
    /// Seconds without progress after which retries end.
    let progressTimeout: Int
    let host: RegistryHost
    private var lastProgress = ContinuousClock.now
    private var delay = 0.1

    init(progressTimeout: Int, host: RegistryHost) {
        self.progressTimeout = progressTimeout
        self.host = host
    }

    /// `instant`: when the last bytes came, from which the timeout counts.
    mutating func madeProgress(at instant: ContinuousClock.Instant = .now) {
        lastProgress = instant
        delay = 0.1
    }

    /// Sleeps. Throws `SourceError.unreachable` if the timeout would pass meanwhile, `.cancelled` when cancelled.
    mutating func wait(after problem: String, retryAfter: Double?, cancellation: Cancellation) throws(SourceError) {
        let deadline = lastProgress + .seconds(progressTimeout)
        let pause = retryAfter ?? delay * Double.random(in: 0.5...1)
        delay = min(delay * 2, 5)
        guard ContinuousClock.now + .seconds(pause) < deadline else {
            throw .unreachable("\(host): \(problem); given up after \(progressTimeout) s without progress")
        }
        let end = ContinuousClock.now + .seconds(pause)
        while ContinuousClock.now < end {
            if cancellation.isCancelled { throw .cancelled }
            usleep(20_000)
        }
    }
}
