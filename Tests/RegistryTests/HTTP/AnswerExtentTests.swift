// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry

/// Bytes of an answer are put where its header says, or the answer is refused.
@Suite struct AnswerExtentTests {
    private static let content: [UInt8] = Array("0123456789".utf8)

    struct Answer: Sendable, CustomTestStringConvertible {
        let status: Int
        let headers: [String: String]
        /// The bytes that come, as offsets in the blob.
        let body: Range<Int>

        init(_ status: Int, _ headers: [String: String], _ body: Range<Int>) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        var testDescription: String { "\(status) \(headers) \(body)" }
    }

    /// A request for all of the blob, or for bytes 3 to 6.
    enum Request: CaseIterable {
        case whole, part

        var range: Range<Int> { self == .whole ? 0..<10 : 3..<7 }
    }

    private func bytes(_ request: Request, _ answer: Answer, pieceSize: Int) throws -> [UInt8] {
        let blob = Descriptor(mediaType: .kitConfig, digest: DigestHasher.digest(of: []), size: 10)
        let range = ByteRange(start: UInt64(request.range.lowerBound), count: UInt64(request.range.count))
        var reader = RangeReader(blob: blob, range: try #require(range), artifact: "r.io/m:v1")
        #expect(try reader.request(.example()).ranges.isEmpty == (request == .whole))
        var bytes: [UInt8] = []
        var rest = Self.content[answer.body]
        do {
            while !rest.isEmpty {
                let piece = Array(rest.prefix(pieceSize))
                rest = rest.dropFirst(piece.count)
                try reader.receive(HTTPResponse(status: answer.status, headers: answer.headers), piece.span.bytes) {
                    $0.withUnsafeBytes { bytes.append(contentsOf: $0) }
                }
            }
        } catch is ResponseComplete {}
        return bytes
    }

    /// The header decides, also with status 200.
    @Test(
        arguments: [
            (.part, Answer(206, ["content-range": "bytes 3-6/10"], 3..<7), 3..<7),
            (.part, Answer(200, ["content-range": "bytes 3-6/10"], 3..<7), 3..<7),
            (.part, Answer(200, ["content-range": "bytes 3-6/*", "content-length": "4"], 3..<7), 3..<7),
            (.part, Answer(200, ["content-range": "bytes 3-4/10"], 3..<5), 3..<5),
            (.part, Answer(200, ["content-range": "bytes 3-9/10"], 3..<10), 3..<7),
            (.part, Answer(200, ["content-range": "bytes 0-9/10"], 0..<10), 3..<7),
            (.part, Answer(200, ["content-length": "10"], 0..<10), 3..<7),
            (.whole, Answer(200, [:], 0..<10), 0..<10),
            (.whole, Answer(200, ["content-range": "bytes 0-9/10"], 0..<10), 0..<10),
            (.whole, Answer(200, ["content-range": "bytes 0-3/10"], 0..<4), 0..<4),
            (.whole, Answer(206, ["content-range": "bytes 0-9/10"], 0..<10), 0..<10),
            (.whole, Answer(206, ["content-range": "bytes 0-3/10"], 0..<4), 0..<4),
        ] as [(Request, Answer, Range<Int>)], [1, 3, 10])
    func taken(_ example: (request: Request, answer: Answer, bytes: Range<Int>), pieceSize: Int) throws {
        let expected = Array(Self.content[example.bytes])
        #expect(try bytes(example.request, example.answer, pieceSize: pieceSize) == expected)
    }

    /// Refused with either request.
    @Test(
        arguments: [
            // A range that neither requests.
            Answer(200, ["content-range": "bytes 4-7/10"], 4..<8),
            Answer(206, ["content-range": "bytes 4-7/10"], 4..<8),
            Answer(200, ["content-range": "bytes 2-6/10"], 2..<7),
            Answer(206, ["content-range": "bytes 9-9/10"], 9..<10),
            // Another total than the manifest's, or a range beyond it.
            Answer(200, ["content-range": "bytes 3-6/11"], 3..<7),
            Answer(206, ["content-range": "bytes 3-6/11"], 3..<7),
            Answer(200, ["content-range": "bytes 0-9/11"], 0..<10),
            Answer(206, ["content-range": "bytes 0-9/11"], 0..<10),
            Answer(200, ["content-range": "bytes 0-10/*"], 0..<10),
            Answer(206, ["content-range": "bytes 3-10/*"], 3..<10),
            // No range, several ranges, or a malformed one.
            Answer(206, [:], 3..<7), Answer(206, ["content-length": "4"], 3..<7),
            Answer(200, ["content-range": ""], 3..<7), Answer(206, ["content-range": ""], 3..<7),
            Answer(200, ["content-range": "bytes */10"], 3..<7), Answer(206, ["content-range": "bytes */10"], 3..<7),
            Answer(200, ["content-range": "bytes 6-3/10"], 3..<7), Answer(206, ["content-range": "bytes 3-/10"], 3..<7),
            Answer(200, ["content-range": "items 3-6/10"], 3..<7), Answer(206, ["content-range": "3-6/10"], 3..<7),
            Answer(200, ["content-range": "bytes 3-6/10, bytes 0-9/10"], 3..<7),
            Answer(206, ["content-range": "bytes 3-6/10, bytes 3-6/10"], 3..<7),
            // Contradictory lengths.
            Answer(200, ["content-range": "bytes 3-6/10", "content-length": "10"], 0..<10),
            Answer(206, ["content-range": "bytes 3-6/10", "content-length": "3"], 3..<6),
            Answer(206, ["content-range": "bytes 0-9/10", "content-length": "11"], 0..<10),
            Answer(200, ["content-length": "4"], 3..<7),
            // Several parts, with boundaries and headers in the body.
            Answer(200, ["content-type": "multipart/byteranges; boundary=X"], 0..<10),
            Answer(206, ["content-type": "multipart/byteranges; boundary=X"], 3..<7),
            Answer(
                206, ["content-type": "Multipart/ByteRanges; boundary=X", "content-range": "bytes 3-6/10"], 3..<7),
        ], Request.allCases)
    func refused(_ answer: Answer, _ request: Request) throws {
        let error = #expect(throws: SourceError.self) { try bytes(request, answer, pieceSize: 4) }
        guard case .unusable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.hasPrefix("r.io/m:v1: blob sha256:"))
    }

    /// A part at the blob's start does not answer a request for the middle, nor the reverse.
    @Test(arguments: [200, 206]) func aPartOfTheOther(_ status: Int) throws {
        let start = Answer(status, ["content-range": "bytes 0-3/10"], 0..<4)
        #expect(throws: SourceError.self) { try bytes(.part, start, pieceSize: 4) }
        let middle = Answer(status, ["content-range": "bytes 3-6/10"], 3..<7)
        #expect(throws: SourceError.self) { try bytes(.whole, middle, pieceSize: 4) }
    }

    /// Without a `Content-Length`, only the body shows that it is longer than its `Content-Range`.
    @Test(arguments: [200, 206], [1, 2, 4]) func aBodyThatGoesOn(_ status: Int, _ pieceSize: Int) throws {
        let answer = Answer(status, ["content-range": "bytes 3-4/10"], 3..<7)
        let error = #expect(throws: SourceError.self) { try bytes(.part, answer, pieceSize: pieceSize) }
        #expect(error?.description.contains("longer than its Content-Range") == true)
    }
}
