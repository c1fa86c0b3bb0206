// SPDX-License-Identifier: Apache-2.0
import LayerCache
import Glibc
import KitFileSystem
import LayerStore
import OCI
import Synchronization
import TestSupport
import Testing
import Threading

@testable import KitMount

/// A wait ends once, with what came first, however its events come. A seed that failed is tried again with KITFS_SEED;
/// with KITFS_SOAK there are a thousand times as many.
@Suite struct WaitTests {
    private static let firstSeed = getenv("KITFS_SEED").flatMap { UInt64(String(cString: $0)) }
    private static let rounds: UInt64 = getenv("KITFS_SOAK") == nil ? 3000 : 3_000_000

    /// One thread, every order of events: what the wait tells is what the model tells.
    @Test func endsAsTheModelSays() {
        let first = Self.firstSeed ?? UInt64.random(in: 0..<1 << 40)
        for seed in first..<first + Self.rounds {
            let schedule = WaitSchedule(seed: seed)
            schedule.run()
            let comment: Comment = "again: KITFS_SEED=\(seed)"
            #expect(schedule.ends == [schedule.expected].compactMap { $0 }, comment)
            #expect(schedule.withdrawals == schedule.expectedWithdrawals, comment)
        }
    }

    /// Many threads at once: one end, and the right one where only one could be.
    @Test func endsOnceWithManyThreads() {
        let first = Self.firstSeed ?? UInt64.random(in: 0..<1 << 40)
        for seed in first..<first + Self.rounds / 10 {
            var random = SplitMix64(seed: seed)
            let count = Int.random(in: 1...3, using: &random)
            let needs = (0..<count).map { WaitSchedule.need($0) }
            let hasSignal = Bool.random(using: &random)
            let ends = Mutex<[Wait.End]>([])
            let waiters = Mutex<[Layer.Waiter]>([])
            let wait = Wait()
            let signal = Threads([{ if hasSignal { wait.interrupt() } }])
            wait.begin(needs, after: [:]) { _, met in
                waiters.withLock { $0.append(met) }
                return {}
            } onEnd: { end in
                ends.withLock { $0.append(end) }
            }
            // Those that were asked for, each by two threads.
            Threads(waiters.withLock { $0 + $0 }.map { met in { met(nil) } }).join()
            signal.join()
            let found = ends.withLock { $0 }
            #expect(found == [.met([:])] || hasSignal && found == [.interrupted], "again: KITFS_SEED=\(seed)")
        }
    }

    @Test func failuresAreAddedToEarlierOnes() {
        let earlier: Failures = [7: .noSpace("full")]
        let error = StoreError.cache("broken")
        let ends = Mutex<[Wait.End]>([])
        Wait().begin([WaitSchedule.need(1), WaitSchedule.need(2)], after: earlier) { need, met in
            met(need.layer == 2 ? error : nil)
            return nil
        } onEnd: { end in
            ends.withLock { $0.append(end) }
        }
        #expect(ends.withLock { $0 } == [.met([7: .noSpace("full"), 2: error])])
    }

    /// A signal that is there before anybody can be told: no layer is asked for anything.
    @Test func interruptedBeforeItBegins() {
        let wait = Wait()
        wait.interrupt()
        wait.giveUp()
        let ends = Mutex<[Wait.End]>([])
        wait.begin([WaitSchedule.need(1)], after: [:]) { _, _ in
            Issue.record("a layer was asked")
            return nil
        } onEnd: { end in
            ends.withLock { $0.append(end) }
        }
        #expect(ends.withLock { $0 } == [.interrupted])
    }

    /// A wait that all layers have forgotten lets go of its request, which then answers for itself.
    @Test func forgottenByLayersLetsGo() {
        weak var held: Token?
        do {
            let token = Token()
            held = token
            Wait().begin([WaitSchedule.need(1)], after: [:]) { _, _ in
                {}
            } onEnd: { _ in
                withExtendedLifetime(token) {}
            }
        }
        #expect(held == nil)
    }

    private final class Token: Sendable {}
}

/// Bodies that run at the same time.
private struct Threads {
    private let running: Monitor<Int>

    init(_ bodies: [@Sendable () -> Void]) {
        let running = Monitor(bodies.count)
        for body in bodies {
            BackgroundThread.start {
                body()
                running.update { $0 -= 1 }
            }
        }
        self.running = running
    }

    func join() { running.wait { $0 == 0 ? () : nil } }
}
