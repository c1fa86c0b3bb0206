// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Takes what it wants of as many answers as that takes.
protocol ResponseReader {
    /// What to ask next; the answer to it is the next that `receive` sees.
    mutating func request(_ url: String) -> HTTPRequest
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

    mutating func request(_ url: String) -> HTTPRequest {
        bytes = []
        return HTTPRequest(url: url, accept: [.imageManifest, .imageIndex, .dockerManifest, .dockerManifestList])
    }

    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws {
        guard bytes.count + piece.byteCount <= Manifest.sizeLimit else {
            throw SourceError.unusable("\(place): the manifest has more than 8 MiB")
        }
        piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
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
    /// Where the present answer is, an offset in the blob; nil before its first byte.
    private var position: UInt64?

    init(blob: Descriptor, range: ByteRange, place: String) {
        self.blob = blob
        self.range = range
        self.place = place
        reached = range.start
    }

    var isComplete: Bool { reached == range.end }
    var hasAll: Bool { isComplete }

    mutating func request(_ url: String) -> HTTPRequest {
        position = nil
        let isWhole = reached == 0 && range.count == blob.size
        return HTTPRequest(url: url, ranges: isWhole ? [] : [range.suffix(from: reached)])
    }

    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws {
        var position = try position ?? start(of: response)
        var first = 0
        if position < reached {  // a server that ignores Range sends all from the start
            first = Int(min(reached - position, UInt64(piece.byteCount)))
        }
        let count = min(UInt64(piece.byteCount - first), range.end - reached)
        position += UInt64(piece.byteCount)
        self.position = position
        if count > 0 {
            try consume(piece.extracting(first..<(first + Int(count))))
            reached += count
        }
        // What exceeds the range is not waited for.
        if reached == range.end, position > range.end || response.contentLength == nil { throw ResponseComplete() }
    }

    /// Whether a whole blob will do where a part was asked for. A part at its very start is taken out of it. Of a whole blob
    /// that is asked for again, what was had before is taken once more. Whoever wants other parts had better take the
    /// whole once, or each would cost all before it.
    private var takesWhole: Bool {
        range.count == blob.size ? reached <= 8 << 20 : range.end <= 256 << 10
    }

    private func start(of response: HTTPResponse) throws -> UInt64 {
        func unusable(_ reason: String) -> SourceError { .unusable("\(place): blob \(blob.digest): \(reason)") }
        if response.status == 200 {
            if let length = response.contentLength, length != blob.size {
                throw unusable("the registry has \(length) bytes, the manifest says \(blob.size)")
            }
            guard takesWhole else { throw RangesIgnored() }
            return 0
        }
        guard let (first, _, total) = response.contentRange else { throw unusable("HTTP 206 without a Content-Range") }
        if let total, total != blob.size {
            throw unusable("the registry has \(total) bytes, the manifest says \(blob.size)")
        }
        guard first == reached else { throw unusable("asked for byte \(reached) on, the answer starts at \(first)") }
        return first
    }
}
