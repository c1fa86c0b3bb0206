// SPDX-License-Identifier: Apache-2.0
package import LayerFormat
package import OCI
package import Threading

/// Headers that are asked for before it is known that they are there: files of one size, one behind the other, have
/// theirs at equal strides.
///
/// So many are under way at any time, several in one request where the place answers such; when enough of them are
/// taken, others are asked for, so that one slow answer holds up only what comes behind it.
package struct HeaderGuesses {
    private enum Answer { case asked, arrived([UInt8]), failed(any Error) }

    /// From one header to the next, and how long a header is with all that belongs to it.
    private var stride: UInt64 = 0
    private var length: UInt64 = 0
    /// How often it was the same again.
    private var streak = 0
    private var window = smallWindow
    /// By offset in the blob. Those of an earlier stride are left to whoever still fills them.
    private var answers = Monitor<[UInt64: Answer]>([:])
    /// Where the next header is guessed that was not asked for yet.
    private var next: UInt64 = 0

    /// Nearer ones come with what is read through.
    private static let least: UInt64 = 128 << 10
    private static let smallWindow = 8
    /// A header with all that belongs to it is seldom more than three blocks; many that were longer would fill the memory.
    private static let longest: UInt64 = 16 << 10
    /// A round trip of 100 ms and 500 KB a member need 256 under way, to list in a quarter of the time of a download at
    /// 100 MB/s, where each header is a request.
    private static let largeWindow = 256 + batch
    /// In one request: servers refuse very many, as Apache more than 200.
    private static let batch = 64

    package mutating func note(_ member: TarMember, next: UInt64) {
        let stride = next - member.headerOffset
        let length = member.contentOffset - member.headerOffset
        if stride == self.stride, length == self.length {
            streak += 1
        } else {
            (self.stride, self.length, streak, window) = (stride, length, 0, Self.smallWindow)
            answers = Monitor([:])
            self.next = 0
        }
    }

    /// The header at a place, if what came before gives reason to guess it: else it is asked for in the usual way. Blocks
    /// until it has come. Throws what the source throws.
    package mutating func header(
        at offset: UInt64, of blob: Descriptor, _ source: any BlobSource, _ pool: WorkerPool,
        _ cancellation: Cancellation
    ) throws -> [UInt8]? {
        guard streak >= 2, stride >= Self.least, length <= Self.longest, offset < blob.size else { return nil }
        ask(from: offset, blob, source, pool, cancellation)
        let answer = answers.wait { [offset] answers -> Answer?? in
            if case .asked = answers[offset] { return nil }
            return .some(answers.removeValue(forKey: offset))
        }
        switch answer {
        case .arrived(let bytes): return bytes
        case .failed(let error): throw error
        case .asked, nil: return nil
        }
    }

    /// Keeps so many under way, from `offset` on.
    private mutating func ask(
        from offset: UInt64, _ blob: Descriptor, _ source: any BlobSource, _ pool: WorkerPool,
        _ cancellation: Cancellation
    ) {
        next = max(next, offset)
        let waiting = answers.update { $0.count }
        guard window - waiting >= min(Self.batch, window / 2) else { return }
        var ranges: [ByteRange] = []
        while waiting + ranges.count < window, let range = ByteRange(start: next, count: length),
            range.end <= blob.size
        {
            ranges.append(range)
            let (following, isBeyond) = next.addingReportingOverflow(stride)
            next = isBeyond ? .max : following
        }
        answers.update { answers in
            for range in ranges { answers[range.start] = .asked }
        }
        let answers = answers
        for first in Swift.stride(from: 0, to: ranges.count, by: Self.batch) {
            let batch = Array(ranges[first..<min(first + Self.batch, ranges.count)])
            pool.submit { Self.fetch(batch, of: blob, source, pool, cancellation, into: answers) }
        }
        window = min(window * 3, Self.largeWindow)
    }

    /// Together; what does not come so, each by itself.
    private static func fetch(
        _ ranges: [ByteRange], of blob: Descriptor, _ source: any BlobSource, _ pool: WorkerPool,
        _ cancellation: Cancellation,
        into answers: Monitor<[UInt64: Answer]>
    ) {
        let parts = source.parts(of: blob, ranges, cancellation: cancellation)
        for case (let range, let bytes?) in zip(ranges, parts) {
            answers.update { $0[range.start] = .arrived(bytes) }
        }
        for case (let range, nil) in zip(ranges, parts) {
            pool.submit {
                let answer: Answer
                do {
                    var bytes: [UInt8] = []
                    bytes.reserveCapacity(Int(range.count))
                    try source.fetch(blob, range: range, cancellation: cancellation) { piece in
                        piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
                    }
                    answer = .arrived(bytes)
                } catch {
                    answer = .failed(error)
                }
                answers.update { $0[range.start] = answer }
            }
        }
    }
}
