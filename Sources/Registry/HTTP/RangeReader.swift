// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Takes what it wants of as many answers as that takes.
protocol ResponseReader {
    /// What to ask next; the answer to it is the next that `receive` sees.
    mutating func request(_ url: HTTPURL) -> HTTPRequest
    /// Throws `ResponseComplete` to end a transfer that has given all it should.
    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws
    /// Grows with progress.
    var reached: UInt64 { get }
    /// Whether nothing more is wanted, however the answer ends.
    var hasAll: Bool { get }
    /// Whether an answer that has come to its end was all that is wanted.
    var isComplete: Bool { get }
}

struct ResponseComplete: Error {}

/// A manifest, which is small: a broken answer is asked for again from its start.
struct ManifestReader: ResponseReader {
    let place: String
    private(set) var bytes: [UInt8] = []
    var reached: UInt64 { 0 }
    var isComplete: Bool { true }
    var hasAll: Bool { false }

    init(place: String) { self.place = place }

    mutating func request(_ url: HTTPURL) -> HTTPRequest {
        bytes = []
        return HTTPRequest(url: url, accept: [.imageManifest, .imageIndex, .dockerManifest, .dockerManifestList])
    }

    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws {
        guard bytes.count + piece.byteCount <= Manifest.sizeLimit else {
            throw SourceError.unusable("\(place): the manifest has more than 8 MiB")
        }
        guard Self.isWhole(response) else {
            throw SourceError.unusable("\(place): the answer to a request for the manifest is a part of it")
        }
        piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    private static func isWhole(_ response: HTTPResponse) -> Bool {
        guard let text = response.headers["content-range"] else { return response.status == 200 }
        return ContentRange(text)?.isWhole ?? false
    }
}

/// Hands over exactly one range of a blob, from as many answers as it takes.
struct RangeReader: ResponseReader {
    let blob: Descriptor
    let range: ByteRange
    /// For messages: whose blob it is.
    let place: String
    /// The next byte to hand over, an offset in the blob.
    private(set) var reached: UInt64
    /// The next byte of the present answer, and where that ends, by its header; offsets in the blob. nil before its first
    /// byte.
    private var answer: (next: UInt64, end: UInt64)?

    init(blob: Descriptor, range: ByteRange, place: String) {
        self.blob = blob
        self.range = range
        self.place = place
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
        // What comes before the next byte to hand over was had already, or is not wanted.
        let first = next < reached ? Int(min(reached - next, UInt64(piece.byteCount))) : 0
        let count = min(UInt64(piece.byteCount - first), range.end - reached)
        // The sum cannot overflow: both ends are of a file, and a piece is memory.
        guard reached + count <= end else { throw unusable("the answer is longer than its Content-Range says") }
        let following = next + UInt64(piece.byteCount)
        answer = (following, end)
        if count > 0 {
            try consume(piece.extracting(first..<(first + Int(count))))
            reached += count
        }
        // What exceeds the range is not waited for.
        if reached == range.end, following > range.end || response.contentLength == nil { throw ResponseComplete() }
    }

    /// Whether a whole blob will do where a part was asked for. A part at its very start is taken out of it. Of a whole blob
    /// that is asked for again, what was had before is taken once more. Whoever wants other parts had better take the
    /// whole once, or each would cost all before it.
    private var takesWhole: Bool {
        range.count == blob.size ? reached <= 8 << 20 : range.end <= 256 << 10
    }

    private func unusable(_ reason: String) -> SourceError { .unusable("\(place): blob \(blob.digest): \(reason)") }

    /// Throws `SourceError.unusable` for an answer whose bytes would be put in a wrong place, `RangesIgnored` for a whole
    /// blob that will not do.
    private func extent(of response: HTTPResponse) throws -> (next: UInt64, end: UInt64) {
        let extent: AnswerExtent
        do { extent = try AnswerExtent(response, blobSize: blob.size) } catch { throw unusable(error.reason) }
        switch extent {
        case .whole:
            guard takesWhole else { throw RangesIgnored() }
            return (0, blob.size)
        case .part(let part):
            guard part.start == reached else {
                throw unusable("asked for byte \(reached) on, the answer starts at \(part.start)")
            }
            return (part.start, part.end)
        }
    }
}
