// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerStore

/// Two processes fetch the same layer under random schedules, with a virtual clock, on one thread. Whatever one does
/// between any two steps of the other (look, claim, look again, write, mark, release), each byte comes once, and each
/// waiter is told once. `KITFS_SEED` is the first seed. With `KITFS_SOAK` there are a million schedules.
@Suite struct FetchScheduleTests {
    private static let firstSeed = seedFromEnvironment() ?? 1
    private static let schedules: UInt64 = getenv("KITFS_SOAK") == nil ? 2000 : 1_000_000

    @Test func everyInterleaving() throws {
        for seed in Self.firstSeed..<Self.firstSeed + Self.schedules {
            let schedule = try FetchSchedule(seed: seed)
            schedule.run()
            guard schedule.problems.isEmpty else {
                Issue.record("again: KITFS_SEED=\(seed): \(schedule.problems.joined(separator: "; "))")
                return
            }
        }
    }

    /// Shows that the schedules find a real bug: a process that does not tell its waiters of chunks it found present
    /// while it claimed leaves some of them waiting, as happened between two mounts.
    @Test func aLostWakeUpIsFound() throws {
        let isFound = try (1...UInt64(500)).contains { seed in
            let schedule = try FetchSchedule(seed: seed, forgetsNews: true)
            schedule.run()
            return schedule.problems.contains { $0.contains("which is here") }
        }
        #expect(isFound)
    }
}
