// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Distinguishes sequential from random reads, and says how far ahead of a read to fetch. Random reads fetch nothing
/// ahead. Sequential reads fetch as much ahead as was read so far, up to a limit.
///
/// Offsets are in the file. The kernel reads 128 KiB at a time, sometimes out of order.
struct ReadAhead: Sendable {
    /// `start`: where the sequential run began. `next`: the end of the run so far.
    private var start: UInt64 = 0
    private var next: UInt64 = 0
    /// The end of the range that was requested ahead.
    private var asked: UInt64 = 0

    /// The limit in bytes: three times what a link of 100 MB/s delivers in the 100 ms before an answer begins.
    private static let limit: UInt64 = 32 << 20
    /// Bytes to fetch ahead at a file's start. An opened file is usually read on, and a smaller request takes as long.
    private static let first: UInt64 = 1 << 20
    /// A read within this distance of `next`, in bytes, belongs to the run.
    private static let slack: UInt64 = 512 << 10
    /// Bytes that prove a sequential run. At the start of a file a sequential run is assumed at once.
    private static let proof: UInt64 = 5 << 18

    /// Notes a read. Returns how many bytes after it will probably be wanted soon.
    mutating func note(_ offset: UInt64, _ count: UInt64) -> UInt64 {
        let end = offset + count
        // A large read that had to wait is repeated when its bytes are here. It still belongs to the run.
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

    /// Bytes to request at a time: a part of the bytes ahead, so that the link is never idle. Not less than that, since
    /// a registry may read 4 MiB from its disk for any request, as Docker's does.
    private static func step(_ ahead: UInt64) -> UInt64 { max(min(ahead / 2, 1 << 20), ahead / 4) }

    /// The range to fetch ahead, after a read that was answered at once; nil while enough is requested.
    mutating func due(_ end: UInt64, ahead: UInt64, fileSize: UInt64) -> ByteRange? {
        guard ahead > 0, end + ahead - Self.step(ahead) > asked, asked < fileSize else { return nil }
        let first = max(asked, end)
        let last = min(fileSize, end + ahead)
        guard last > first else { return nil }
        asked = last
        return ByteRange(start: first, count: last - first)
    }

    /// How many bytes after a waiting read to request. They grow in steps: where reading is faster than the network,
    /// every read waits, and each would otherwise request the one chunk after all that are in progress.
    mutating func waiting(_ end: UInt64, ahead: UInt64, fileSize: UInt64) -> UInt64 {
        if end + ahead - Self.step(ahead) > asked { asked = max(end, min(fileSize, end + ahead)) }
        return asked - end
    }
}
