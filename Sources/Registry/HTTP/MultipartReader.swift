// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Reads several ranges of a blob from one answer. Spec: RFC 9110, sections 14.6 and 15.3.7.2.
///
/// A server may ignore or refuse several ranges, join neighbouring ones, and send them in any order.
struct MultipartReader: ResponseReader {
    /// The answer is not one to several ranges: it is all of the blob, or too long.
    struct Refused: Error {}

    let blob: Descriptor
    let ranges: [ByteRange]
    /// The bytes of each range; nil for those that did not come.
    private(set) var parts: [[UInt8]?]
    private var body: [UInt8] = []
    private let bodyLimit: Int

    init(blob: Descriptor, ranges: [ByteRange]) {
        self.blob = blob
        self.ranges = ranges
        parts = [[UInt8]?](repeating: nil, count: ranges.count)
        // Before each part are a boundary and header lines.
        bodyLimit = ranges.reduce(4096) { $0 + Int($1.count) + 512 }
    }

    var reached: UInt64 { UInt64(body.count) }
    var isComplete: Bool { true }
    var hasAll: Bool { false }
    var hasAllParts: Bool { !parts.contains { $0 == nil } }

    mutating func request(_ url: HTTPURL) -> HTTPRequest {
        body = []
        return HTTPRequest(url: url, ranges: ranges)
    }

    /// Throws `Refused`.
    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws {
        guard response.status == 206, body.count + piece.byteCount <= bodyLimit else { throw Refused() }
        piece.withUnsafeBytes { body.append(contentsOf: $0) }
    }

    /// To be called at the end of the answer.
    mutating func finish(_ response: HTTPResponse) {
        if let boundary = response.multipartBoundary {
            takeParts(boundary)
        } else if let range = range(of: response), range.count == UInt64(body.count) {
            take(body[...], range)
        }
    }

    private mutating func takeParts(_ boundary: String) {
        let delimiter = Array("--\(boundary)".utf8)
        let lineBreak = Array("\r\n".utf8)
        var rest = body[...]
        while let mark = rest.firstRange(of: delimiter) {
            rest = rest[mark.upperBound...]
            guard !rest.starts(with: "--".utf8), let end = rest.firstRange(of: lineBreak + lineBreak) else { return }
            var header = HTTPResponse()
            for line in rest[..<end.lowerBound].split(separator: 10) {
                header.take(headerLine: String(decoding: line, as: UTF8.self))
            }
            rest = rest[end.upperBound...]
            guard let range = range(of: header), range.count <= UInt64(rest.count) else { continue }
            let content = rest.prefix(Int(range.count))
            rest = rest[content.endIndex...]
            // A part that is longer than its header says is refused: it is not certain which of its bytes are meant.
            if rest.isEmpty || rest.starts(with: lineBreak + delimiter) { take(content, range) }
        }
    }

    /// The bytes of the blob that a part holds, by its header.
    private func range(of header: HTTPResponse) -> ByteRange? {
        guard let content = header.headers["content-range"].flatMap({ ContentRange($0) }),
            content.total ?? blob.size == blob.size, content.range.end <= blob.size
        else { return nil }
        return content.range
    }

    /// Fills in the ranges that are within `found`; `content` is its bytes.
    private mutating func take(_ content: ArraySlice<UInt8>, _ found: ByteRange) {
        for (index, range) in ranges.enumerated() where range.start >= found.start && range.end <= found.end {
            let start = content.startIndex + Int(range.start - found.start)
            parts[index] = Array(content[start..<(start + Int(range.count))])
        }
    }
}
