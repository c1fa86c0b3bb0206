// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import MountRecords

/// Rates and sizes.
@Suite struct RatesTests {
    private let start = ContinuousClock.now

    @Test func aRateIsOfTheLastSeconds() {
        var meter = RateMeter()
        #expect(meter.rate == 0)
        for second in 0..<10 { meter.note(UInt64(second) * 100, at: start + .seconds(second)) }
        #expect(meter.rate == 100)
        // Then it stands still: after the window nothing is left of it.
        for second in 10..<17 { meter.note(900, at: start + .seconds(second)) }
        #expect(meter.rate == 0)
    }

    /// What was dropped is no negative rate.
    @Test func aCountThatShrinks() {
        var meter = RateMeter()
        meter.note(1000, at: start)
        meter.note(10, at: start + .seconds(1))
        #expect(meter.rate == 0)
        meter.note(60, at: start + .seconds(2))
        #expect(meter.rate == 50)
    }

    @Test func whatIsLeft() {
        #expect(RateMeter.secondsLeft(100, at: 0) == nil)
        #expect(RateMeter.secondsLeft(101, at: 10) == 11)
        #expect(RateMeter.secondsLeft(.max, at: 1) == 1_000_000_000)
    }

    @Test(
        arguments: [
            (0, "0B"), (37, "37B"), (1023, "1023B"), (1024, "1KiB"), (1536, "1.5MiB"), (10 << 30, "10GiB"),
            (.max, "16EiB"),
        ] as [(UInt64, String)])
    func sizes(_ bytes: UInt64, _ text: String) {
        let bytes = text == "1.5MiB" ? 1536 << 10 : bytes
        #expect(ByteCount.text(bytes) == text)
    }

    @Test func sharesAndSums() {
        #expect(ByteCount.percent(1, of: 3) == 33)
        #expect(ByteCount.percent(0, of: 0) == 100)
        #expect(ByteCount.percent(.max, of: 1) == 100)
        #expect(ByteCount.sum([1, 2]) == 3)
        #expect(ByteCount.sum([.max, .max, 1]) == .max)
    }
}
