// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing
import Threading

@Suite struct WorkerPoolTests {
    private final class Counts: Sendable {
        let running = Atomic(0)
        let most = Atomic(0)
        let done = Atomic(0)
    }

    /// Neither outlives the call, whichever of the two is the slower one.
    @Test func twoThingsBesideEachOther() throws {
        struct Failure: Error {}
        let pool = WorkerPool(limit: 2)
        let counts = Counts()
        for round in 1...20_000 {
            let result = pool.run {
                counts.done.add(1, ordering: .relaxed)
            } beside: {
                round
            }
            #expect(result == round && counts.done.load(ordering: .relaxed) == round)
        }
        #expect(throws: Failure.self) {
            try pool.run {
                counts.done.add(1, ordering: .relaxed)
            } beside: {
                throw Failure()
            }
        }
        #expect(counts.done.load(ordering: .relaxed) == 20_001)
    }

    /// Threads that lack wait for one of those that are there; all jobs are done in the end.
    @Test func moreJobsThanThreads() {
        let pool = WorkerPool(limit: 3)
        let counts = Counts()
        for _ in 0..<1000 {
            pool.submit {
                counts.most.max(counts.running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                counts.done.add(1, ordering: .relaxed)
                counts.running.subtract(1, ordering: .relaxed)
            }
        }
        pool.waitUntilIdle()
        #expect(counts.done.load(ordering: .relaxed) == 1000)
        #expect(1...3 ~= counts.most.load(ordering: .relaxed))
    }
}
