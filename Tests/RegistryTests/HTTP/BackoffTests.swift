// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite struct BackoffTests {
    private func backoff(progressTimeout: Int) throws -> Backoff {
        Backoff(progressTimeout: progressTimeout, host: try #require(RegistryHost("r.io")))
    }

    @Test func givesUpAfterTheTimeout() throws {
        var backoff = try backoff(progressTimeout: 1)
        let start = monotonicSeconds()
        var waits = 0
        let error = #expect(throws: SourceError.self) {
            while true {
                try backoff.wait(after: "HTTP 503", retryAfter: nil, cancellation: Cancellation())
                waits += 1
            }
        }
        #expect(error?.description == "r.io: HTTP 503; given up after 1 s without progress")
        #expect(monotonicSeconds() - start < 1.2)
        // 0.05 ... 0.1 s, then up to twice that …
        #expect((3...5).contains(waits), "\(waits)")
    }

    @Test func progressStartsItAnew() throws {
        var backoff = try backoff(progressTimeout: 1)
        let start = monotonicSeconds()
        while monotonicSeconds() - start < 1.5 {
            try backoff.wait(after: "x", retryAfter: nil, cancellation: Cancellation())
            backoff.madeProgress()
        }
    }

    @Test func theRegistrysWishCounts() throws {
        var backoff = try backoff(progressTimeout: 5)
        let start = monotonicSeconds()
        try backoff.wait(after: "x", retryAfter: 0.7, cancellation: Cancellation())
        #expect((0.7..<1.2).contains(monotonicSeconds() - start))
        #expect(throws: SourceError.self) {
            try backoff.wait(after: "x", retryAfter: 86_400, cancellation: Cancellation())
        }
    }

    @Test func cancellationEndsTheSleep() throws {
        var backoff = try backoff(progressTimeout: 60)
        let cancellation = Cancellation()
        cancellation.cancel()
        let start = monotonicSeconds()
        #expect(throws: SourceError.cancelled) {
            try backoff.wait(after: "x", retryAfter: 30, cancellation: cancellation)
        }
        #expect(monotonicSeconds() - start < 0.5)
    }
}
