// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import Synchronization
import Testing

@testable import LayerCache
@testable import LayerStore

@Suite struct ListingQueueTests {
    private final class Seen: Sendable {
        let reasons = Mutex<[StoreError?]>([])
    }

    /// A registry hangs until each thread's job gives up. The jobs that were queued behind those get the same error,
    /// and do not try.
    @Test func whoeverWaitedForATurnDoesNotWaitAgain() {
        let queue = ListingQueue(patience: .milliseconds(50))
        let seen = Seen()
        let hung = StoreError.source(.unreachable("it hangs"))
        for _ in 0..<100 {
            queue.submit { reason in
                seen.reasons.withLock { $0.append(reason) }
                if let reason { return reason }
                usleep(300_000)
                return hung
            }
        }
        queue.waitUntilIdle()
        #expect(seen.reasons.withLock { $0.count(where: { $0 == nil }) } == 64)
        #expect(seen.reasons.withLock { $0.count(where: { $0 == hung }) } == 36)
        // A later job tries.
        queue.submit { reason in
            seen.reasons.withLock { $0 = [reason] }
            return nil
        }
        queue.waitUntilIdle()
        #expect(seen.reasons.withLock { $0 } == [nil])
    }

    /// Other failures of one layer say nothing about other layers.
    @Test func otherFailuresAreTheirOwn() {
        let queue = ListingQueue(patience: .milliseconds(1))
        let seen = Seen()
        for _ in 0..<70 {
            queue.submit { reason in
                seen.reasons.withLock { $0.append(reason) }
                usleep(20_000)
                return .cache("full")
            }
        }
        queue.waitUntilIdle()
        #expect(seen.reasons.withLock { $0.allSatisfy { $0 == nil } })
    }
}
