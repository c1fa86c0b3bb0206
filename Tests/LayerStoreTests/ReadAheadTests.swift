// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import LayerStore

/// How far ahead a file is fetched, for several ways of reading it.
@Suite struct ReadAheadTests {
    private static let step: UInt64 = 128 << 10
    private static let limit: UInt64 = 32 << 20

    /// Reads of 128 KiB, at these multiples of 128 KiB. `ahead`: how far after the last read the file is fetched, in
    /// the same unit.
    private static let sequences: [(name: String, reads: [UInt64], ahead: UInt64)] = [
        ("one, at the start", [0], 8),
        ("in order from the start", [0, 1, 2, 3], 8),
        ("in order from the start, on", Array(0..<20), 20),
        ("in order for long", Array(0..<300), 256),
        ("one, elsewhere", [1000], 0),
        ("in order elsewhere, not for long", Array(1000..<1010), 0),
        ("in order elsewhere", Array(1000..<1020), 20),
        ("here and there", [500, 90, 7000, 333, 4000, 12], 0),
        ("backwards from afar", [5000, 4990, 4980, 4970], 0),
        ("slightly out of order", [0, 2, 1, 3, 5, 4], 8),
        ("slightly out of order elsewhere", [1000, 1002, 1001] + Array(1003..<1020), 20),
        ("tried again", [0, 1, 1, 2, 2, 2], 8),
        ("in order, then far away", Array(0..<50) + [5000], 0),
        ("in order, then away and in order again", Array(0..<50) + Array(5000..<5020), 20),
        ("two at a time, far from each other", (0..<40).flatMap { [1000 + $0, 9000 + $0] }, 0),
    ]

    @Test(arguments: sequences.indices)
    func sequence(_ place: Int) {
        let (name, reads, expected) = Self.sequences[place]
        var ahead = ReadAhead()
        var last: UInt64 = 0
        for read in reads { last = ahead.note(read * Self.step, Self.step) }
        #expect(last / Self.step == expected, "\(name)")
    }

    /// Reads of 4 MiB that all have to wait, and so come twice.
    @Test func largeReadsThatWait() {
        var ahead = ReadAhead()
        var last: UInt64 = 0
        for read in 100..<110 {
            for _ in 0..<2 { last = ahead.note(UInt64(read) << 22, 4 << 20) }
        }
        #expect(last == Self.limit)
    }

    /// Ranges ahead are requested in order and each byte once. They end at the end of the file, and stay within the
    /// limit.
    @Test(arguments: [100_000, 3 << 20, 100 << 20, (100 << 20) + 1])
    func asksEachByteOnce(_ fileSize: UInt64) {
        var ahead = ReadAhead()
        var asked: UInt64 = 0
        var requests = 0
        var offset: UInt64 = 0
        while offset < fileSize {
            let count = min(Self.step, fileSize - offset)
            let wanted = ahead.note(offset, count)
            offset += count
            if let range = ahead.due(offset, ahead: wanted, fileSize: fileSize) {
                #expect(range.start >= asked && range.start >= offset && range.count > 0)
                #expect(range.end <= fileSize && range.end <= offset + Self.limit)
                asked = range.end
                requests += 1
            }
        }
        #expect(asked == fileSize || fileSize <= Self.step)
        // Fewer requests than reads.
        #expect(requests < 50)
    }

    /// If every read has to wait, the wanted range grows in large steps too, and not a little with each read.
    @Test func whoAlwaysWaitsAsksSeldomForMore() {
        var ahead = ReadAhead()
        let fileSize: UInt64 = 100 << 20
        var goal: UInt64 = 0
        var growths = 0
        for offset in stride(from: 0, to: fileSize, by: Int(Self.step)) {
            let end = offset + Self.step
            let wanted = ahead.note(offset, Self.step)
            let next = end + ahead.waiting(end, ahead: wanted, fileSize: fileSize)
            #expect(next >= goal && next <= fileSize && next <= end + Self.limit)
            if next > goal { growths += 1 }
            goal = next
        }
        #expect(goal == fileSize)
        #expect(growths < 50)
    }

    @Test func randomReadsAskForNothing() {
        var random = SplitMix64(seed: 7)
        var ahead = ReadAhead()
        let fileSize: UInt64 = 1 << 30
        for _ in 0..<2000 {
            let offset = UInt64.random(in: (8 << 20)..<(fileSize - 4096), using: &random)
            let wanted = ahead.note(offset, 4096)
            #expect(wanted == 0 && ahead.due(offset + 4096, ahead: wanted, fileSize: fileSize) == nil)
        }
    }
}
