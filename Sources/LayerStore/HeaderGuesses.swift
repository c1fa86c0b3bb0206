// SPDX-License-Identifier: Apache-2.0
internal import LayerFormat
internal import OCI
internal import Threading

/// Headers that were asked for before it was known that they are there: files of one size, one behind the other, have
/// theirs at equal strides.
struct HeaderGuesses {
    /// From one header to the next, and how long a header is with all that belongs to it.
    private var stride: UInt64 = 0
    private var length: UInt64 = 0
    /// How often it was the same again.
    private var streak = 0
    private var batch = smallBatch
    private var guessed: [UInt64: [UInt8]] = [:]

    /// Nearer ones come with what is read through.
    private static let least: UInt64 = 128 << 10
    private static let smallBatch: UInt64 = 8
    /// What a round trip of 100 ms and 500 KB a member need, to list in a quarter of the time of a download.
    private static let largeBatch = 96
    private static let pool = WorkerPool(limit: largeBatch)

    mutating func note(_ member: TarMember, next: UInt64) {
        let stride = next - member.headerOffset
        let length = member.contentOffset - member.headerOffset
        if stride == self.stride, length == self.length {
            streak += 1
        } else {
            (self.stride, self.length, streak, batch) = (stride, length, 0, Self.smallBatch)
            guessed = [:]
        }
    }

    /// The header at a place, if it was guessed there.
    mutating func take(at offset: UInt64) -> [UInt8]? { guessed.removeValue(forKey: offset) }

    /// Asks for the headers from `offset` on, many at once, if what came before gives reason to. Those that cannot be had
    /// are asked for again when it is known that they are wanted.
    mutating func ask(at offset: UInt64, _ blob: Descriptor, _ source: any BlobSource, _ cancellation: Cancellation) {
        guard streak >= 2, stride >= Self.least, guessed[offset] == nil, offset < blob.size else { return }
        let ranges = (0..<batch).compactMap { number -> ByteRange? in
            let (distance, isTooFar) = stride.multipliedReportingOverflow(by: number)
            let (start, isBeyond) = offset.addingReportingOverflow(distance)
            guard !isTooFar, !isBeyond, let range = ByteRange(start: start, count: length), range.end <= blob.size
            else {
                return nil
            }
            return range
        }
        guard ranges.count > 1 else { return }
        batch = min(batch * 2, UInt64(Self.largeBatch))
        let answers = Monitor<(found: [UInt64: [UInt8]], remaining: Int)>(([:], ranges.count))
        for range in ranges {
            Self.pool.submit {
                var bytes: [UInt8] = []
                let isWhole =
                    (try? source.fetch(blob, range: range, cancellation: cancellation) { piece in
                        piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
                    }) != nil
                answers.update { answers in
                    if isWhole { answers.found[range.start] = bytes }
                    answers.remaining -= 1
                }
            }
        }
        guessed = answers.wait { $0.remaining == 0 ? $0.found : nil }
    }
}
