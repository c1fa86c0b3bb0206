// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Passes on exactly one range of a blob, from one or more answers.
struct RangeReader: ResponseReader {
    let blob: Descriptor
    let range: ByteRange
    /// The artifact that the blob is of, for messages.
    let artifact: String
    /// Offset in the blob of the next byte to pass on.
    private(set) var reached: UInt64
    /// The next byte of the current answer, and its end by its header; offsets in the blob. nil before its first byte.
    private var answer: (next: UInt64, end: UInt64)?

    init(blob: Descriptor, range: ByteRange, artifact: String) {
        self.blob = blob
        self.range = range
        self.artifact = artifact
        reached = range.start
    }

    var isComplete: Bool { reached == range.end }
    var hasAll: Bool { isComplete }

    mutating func request(_ url: HTTPURL) -> HTTPRequest {
        answer = nil
        let isWhole = reached == 0 && range.count == blob.size
        return HTTPRequest(url: url, ranges: isWhole ? [] : [range.suffix(from: reached)])
    }

    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws {
        let (next, end) = try answer ?? extent(of: response)
        // Bytes before `reached` were passed on already, or are before the range.
        let first = next < reached ? Int(min(reached - next, UInt64(piece.byteCount))) : 0
        let count = min(UInt64(piece.byteCount - first), range.end - reached)
        // The sum cannot overflow: it is at most `range.end`.
        guard reached + count <= end else { throw unusable("the answer is longer than its Content-Range says") }
        let following = next + UInt64(piece.byteCount)
        answer = (following, end)
        if count > 0 {
            try consume(piece.extracting(first..<(first + Int(count))))
            reached += count
        }
        // Bytes behind the range are not waited for.
        if reached == range.end, following > range.end || response.contentLength == nil { throw ResponseComplete() }
    }

    /// Whether a whole blob is accepted as the answer to a request for a part. It is for a part at the blob's start,
    /// and for the rest of a whole blob of which little was received. For other parts the caller should take the whole
    /// once: each would cost all bytes before it.
    private var takesWhole: Bool {
        range.count == blob.size ? reached <= 8 << 20 : range.end <= 256 << 10
    }

    private func unusable(_ reason: String) -> SourceError { .unusable("\(artifact): blob \(blob.digest): \(reason)") }

    /// Throws `SourceError.unusable` for an answer of which it is not certain where its bytes belong, `RangesIgnored`
    /// for a whole blob that is not accepted.
    private func extent(of response: HTTPResponse) throws -> (next: UInt64, end: UInt64) {
        let extent: AnswerExtent
        do { extent = try AnswerExtent(response, blobSize: blob.size) } catch { throw unusable(error.reason) }
        switch extent {
        case .whole:
            guard takesWhole else { throw RangesIgnored() }
            return (0, blob.size)
        case .part(let part):
            guard part.start == reached else {
                throw unusable("byte \(reached) was requested, the answer starts at \(part.start)")
            }
            return (part.start, part.end)
        }
    }
}
