// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import OCI

/// Spaces retries: 0.1 s at first, doubled up to 5 s, with jitter so that many jobs do not come back at once.
struct Backoff {
    /// Seconds without progress after which to give up.
    let patience: Int
    let host: RegistryHost
    private var lastProgress = ContinuousClock.now
    private var delay = 0.1

    init(patience: Int, host: RegistryHost) {
        self.patience = patience
        self.host = host
    }

    /// Patience counts from when the last bytes came, not from when it was noticed that no more do.
    mutating func madeProgress(at instant: ContinuousClock.Instant = .now) {
        lastProgress = instant
        delay = 0.1
    }

    /// Sleeps, or throws `SourceError.unreachable` once patience has run out, `.cancelled` when nobody waits.
    mutating func wait(after problem: String, retryAfter: Double?, cancellation: Cancellation) throws(SourceError) {
        let deadline = lastProgress + .seconds(patience)
        let pause = retryAfter ?? delay * Double.random(in: 0.5...1)
        delay = min(delay * 2, 5)
        guard ContinuousClock.now + .seconds(pause) < deadline else {
            throw .unreachable("\(host): \(problem); given up after \(patience) s without progress")
        }
        let end = ContinuousClock.now + .seconds(pause)
        while ContinuousClock.now < end {
            if cancellation.isCancelled { throw .cancelled }
            usleep(20_000)
        }
    }
}
