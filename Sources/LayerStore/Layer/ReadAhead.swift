// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Tells reading in order from reading here and there: how far ahead of a read to fetch. Nothing ahead of random reads;
/// in order, as much as was read so far, up to a limit.
///
/// Offsets are in the file that is read. The kernel asks for 128 KiB at a time, now and then out of order.
struct ReadAhead: Sendable {
    /// Where the run of reads in order began, and where it has come to.
    private var start: UInt64 = 0
    private var next: UInt64 = 0
    /// How far was asked for ahead.
    private var asked: UInt64 = 0

    /// Three times what a line of 100 MB/s brings in the 100 ms that an answer takes to begin.
    private static let limit: UInt64 = 32 << 20
    /// At a file's start: what is opened is read on, as far as is known, and a request for less takes no less time.
    private static let first: UInt64 = 1 << 20
    /// A read no further than this from where the run has come to belongs to it.
    private static let slack: UInt64 = 512 << 10
    /// From the start of a file, reading in order is what is expected; elsewhere it has to be seen for so long.
    private static let proof: UInt64 = 5 << 18

    /// Notes a read. Returns how many bytes behind it will be wanted soon, as far as is known.
    mutating func note(_ offset: UInt64, _ count: UInt64) -> UInt64 {
        let end = offset + count
        // A large one that had to wait comes again when its bytes are here.
        if offset > next + Self.slack || offset + max(Self.slack, count) < next {
            start = offset
            next = end
            asked = end
            return 0
        }
        next = max(next, end)
        let run = next - start
        guard start == 0 || run > Self.proof else { return 0 }
        return min(start == 0 ? max(run, Self.first) : run, Self.limit)
    }

    /// How many bytes to ask for at a time: a part of what is ahead, so that the line never falls silent. No less, since a
    /// registry may read 4 MiB from its disk for any request, as Docker's does.
    private static func step(_ ahead: UInt64) -> UInt64 { max(min(ahead / 2, 1 << 20), ahead / 4) }

    /// What to fetch ahead, now that the read was answered from what is here; nil while enough is under way.
    mutating func due(_ end: UInt64, ahead: UInt64, fileSize: UInt64) -> ByteRange? {
        guard ahead > 0, end + ahead - Self.step(ahead) > asked, asked < fileSize else { return nil }
        let first = max(asked, end)
        let last = min(fileSize, end + ahead)
        guard last > first else { return nil }
        asked = last
        return ByteRange(start: first, count: last - first)
    }

    /// How many bytes behind a read that has to wait to ask for. Not a little more with each: where reading is faster than
    /// the network every read waits, and each would ask for the one chunk behind all that is under way.
    mutating func waiting(_ end: UInt64, ahead: UInt64, fileSize: UInt64) -> UInt64 {
        if end + ahead - Self.step(ahead) > asked { asked = max(end, min(fileSize, end + ahead)) }
        return asked - end
    }
}
