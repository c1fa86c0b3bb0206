// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing
import Threading

@Suite struct MonitorTests {
    /// Who waits is woken by each change, and told of the one that it waits for.
    @Test func waitsForAValue() {
        let monitor = Monitor(0)
        BackgroundThread.start {
            for _ in 0..<1000 { monitor.update { $0 += 1 } }
        }
        #expect(monitor.wait { $0 == 1000 ? $0 : nil } == 1000)
    }

    @Test func aTimedWaitIsToldOfTheValue() {
        let monitor = Monitor(0)
        BackgroundThread.start {
            for _ in 0..<1000 { monitor.update { $0 += 1 } }
        }
        #expect(monitor.wait(atMost: .seconds(600)) { $0 == 1000 ? "all" : nil } == "all")
    }

    /// Nothing comes; the wait ends by itself, having looked at the end.
    @Test(arguments: [Duration.zero, .milliseconds(-5), .nanoseconds(999_999_999), .milliseconds(1)])
    func aTimedWaitEnds(_ limit: Duration) {
        let looks = Mutex(0)
        let monitor = Monitor(0)
        let found: Int? = monitor.wait(atMost: limit) { _ in
            looks.withLock { $0 += 1 }
            return nil
        }
        #expect(found == nil)
        #expect(looks.withLock { $0 } >= 2)
    }

    /// A limit that no clock has is no trap, and a value that is there needs no wait.
    @Test func aLimitBeyondAllClocks() {
        #expect(Monitor(7).wait(atMost: .seconds(Int64.max)) { $0 } == 7)
    }

    @Test func anErrorLeavesTheMonitorUsable() {
        struct Failure: Error {}
        let monitor = Monitor(1)
        #expect(throws: Failure.self) {
            try monitor.update { value in
                value = 2
                throw Failure()
            }
        }
        #expect(monitor.update { $0 } == 2)
    }
}

@Suite struct BackgroundThreadTests {
    @Test func aResultThatComesInTime() {
        #expect(BackgroundThread.result(within: 600_000) { 42 } == 42)
    }

    /// The caller goes on; the body is left to itself.
    @Test func aResultThatDoesNotCome() {
        let isEnough = Monitor(false)
        let found = BackgroundThread.result(within: 10) {
            isEnough.wait { $0 ? 42 : nil }
        }
        #expect(found == nil)
        isEnough.update { $0 = true }
    }

    @Test func aThreadsBufferIsItsOwn() {
        let mine = ThreadBuffer.bytes(16)
        mine.copyBytes(from: Array(repeating: 1, count: 16))
        let others = BackgroundThread.result(within: 600_000) { () -> UInt in
            let buffer = ThreadBuffer.bytes(16)
            buffer.copyBytes(from: Array(repeating: 2, count: 16))
            return UInt(bitPattern: buffer.baseAddress)
        }
        #expect(others != UInt(bitPattern: mine.baseAddress))
        #expect(Array(mine) == Array(repeating: 1, count: 16))
        #expect(ThreadBuffer.bytes(8).baseAddress == mine.baseAddress)
        #expect(ThreadBuffer.bytes(1 << 20).count == 1 << 20)
    }
}
