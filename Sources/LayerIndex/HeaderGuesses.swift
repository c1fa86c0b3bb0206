// SPDX-License-Identifier: Apache-2.0
package import LayerFormat
package import OCI
package import Threading

/// Requests for headers at guessed offsets. Files of one size that follow each other have their headers at equal
/// strides.
///
/// A window of requests is in progress at any time, several headers in one request where the source supports that. When
/// enough answers were taken, more are requested, so that one slow answer delays only the headers behind it.
package struct HeaderGuesses {
    private enum Answer { case asked, arrived([UInt8]), failed(any Error) }

    /// `stride`: bytes from one header to the next. `length`: bytes of a header with all blocks that belong to it.
    private var stride: UInt64 = 0
    private var length: UInt64 = 0
    /// How many members in a row had this stride and length.
    private var streak = 0
    private var window = smallWindow
    /// Answers by offset in the blob. After a change of stride, jobs in progress still write to the old map.
    private var answers = Monitor<[UInt64: Answer]>([:])
    /// The offset of the next guess to request.
    private var next: UInt64 = 0

    /// The smallest stride to guess. Headers closer than that come with the lister's window.
    private static let least: UInt64 = 128 << 10
    private static let smallWindow = 8
    /// The largest header to guess, in bytes. A header is seldom longer than three blocks, and many long ones would
    /// fill the memory.
    private static let longest: UInt64 = 16 << 10
    /// Requests in progress, at most. Where each header is a request, a round trip of 100 ms and members of 500 KB need
    /// 256 of them to list a tar in a quarter of the time that its download takes at 100 MB/s.
    private static let largeWindow = 256 + batch
    /// Headers in one request. Servers refuse requests with very many ranges; Apache allows 200.
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

    /// The header at `offset`, if the members before it suggested a guess; nil if it must be requested in the usual
    /// way. Blocks until the answer has come. Throws what the source throws.
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

    /// Fills the window with requests, from `offset` on.
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

    /// Fetches the ranges in one request, then each missing one by itself.
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
