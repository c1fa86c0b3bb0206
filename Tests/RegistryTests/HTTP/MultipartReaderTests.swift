// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Several ranges in one answer, well-formed and malformed.
@Suite struct MultipartReaderTests {
    private static let content = "0123456789abcdefghijklmnopqrstuvwxyz"
    private static let ranges: [(UInt64, UInt64)] = [(2, 3), (10, 4), (30, 6)]
    private static let texts = ["234", "abcd", "uvwxyz"]

    /// The parts of one answer, as text.
    private func parts(_ headers: [String: String], _ body: String, status: Int = 206) throws -> [String?] {
        let type = try #require(MediaType("application/x-tar"))
        let blob = Descriptor(
            mediaType: type, digest: DigestHasher.digest(of: []), size: UInt64(Self.content.utf8.count))
        let ranges = Self.ranges.compactMap { ByteRange(start: $0.0, count: $0.1) }
        var reader = MultipartReader(blob: blob, ranges: ranges)
        #expect(try reader.request(.example()).ranges == ranges)
        let response = HTTPResponse(status: status, headers: headers)
        for byte in body.utf8 { try reader.receive(response, [byte].span.bytes) { _ in } }
        reader.finish(response)
        #expect(reader.hasAllParts == reader.parts.allSatisfy { $0 != nil })
        return reader.parts.map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    private func part(_ first: Int, _ last: Int, total: String = "36", _ text: String? = nil) -> String {
        let all = Array(Self.content)
        let text = text ?? String(all[first...last])
        return
            "\r\n--X\r\nContent-Type: application/octet-stream\r\ncontent-range: bytes \(first)-\(last)/\(total)\r\n\r\n"
            + text
    }

    private let headers = ["content-type": "multipart/byteranges; boundary=X"]

    @Test func eachPart() throws {
        let body = part(2, 4) + part(10, 13) + part(30, 35) + "\r\n--X--\r\n"
        #expect(try parts(headers, body) == Self.texts)
    }

    @Test(arguments: ["Multipart/ByteRanges;boundary=\"X\"", "multipart/byteranges; charset=x; Boundary=X"])
    func otherWaysToSay(_ type: String) throws {
        #expect(try parts(["content-type": type], part(2, 4) + part(10, 13) + part(30, 35)) == Self.texts)
    }

    @Test func inAnotherOrderAndJoined() throws {
        #expect(try parts(headers, "preamble" + part(30, 35, total: "*") + part(1, 15) + "\r\n--X--") == Self.texts)
    }

    /// The length of a part counts, also if its content looks like a boundary.
    @Test func contentThatLooksLikeABoundary() throws {
        let body = part(2, 4, "\r\n-") + part(10, 13, "-X--") + part(30, 35, "\r\n--X\r")
        #expect(try parts(headers, body) == ["\r\n-", "-X--", "\r\n--X\r"])
    }

    @Test func onlyOneOfThem() throws {
        #expect(try parts(["content-range": "bytes 2-4/36"], "234") == ["234", nil, nil])
        #expect(try parts(["content-range": "bytes 2-13/36"], "23456789abcd") == ["234", "abcd", nil])
    }

    @Test(arguments: [
        "", "--X", "--X--", "\r\n--X\r\n\r\n234", "\r\n--Y\r\ncontent-range: bytes 2-4/36\r\n\r\n234",
        "\r\n--X\r\ncontent-range: bytes 4-2/36\r\n\r\n234", "\r\n--X\r\ncontent-range: bytes 2-4/37\r\n\r\n234",
        "\r\n--X\r\ncontent-range: bytes 2-4/36\r\n\r\n23", "\r\n--X\r\ncontent-range: bytes 2/36-4\r\n\r\n234",
        "\r\n--X\r\ncontent-range: bytes 2-18446744073709551615/36\r\n\r\n234",
        "\r\n--X\r\ncontent-range: bytes 18446744073709551613-18446744073709551615/*\r\n\r\n234",
        "\r\n--X\r\ncontent-range: bytes 3-5/36\r\n\r\n345", "\r\n--X\r\ncontent-range: bytes 2-4/36\r\n234",
    ])
    func whatIsNoPart(_ body: String) throws {
        #expect(try parts(headers, body) == [nil, nil, nil])
    }

    /// It is not certain which of its bytes are meant.
    @Test func aPartThatIsLongerThanItSays() throws {
        #expect(try parts(headers, part(2, 4, "2345") + part(10, 13) + part(30, 35)) == [nil, "abcd", "uvwxyz"])
        #expect(try parts(headers, part(2, 4) + part(10, 13) + part(30, 35, "uvwxyz!")) == ["234", "abcd", nil])
        #expect(try parts(["content-range": "bytes 2-4/36"], "2345") == [nil, nil, nil])
    }

    /// Two headers for one part contradict each other.
    @Test func aPartWithTwoRanges() throws {
        let twice = "\r\n--X\r\nContent-Range: bytes 2-4/36\r\ncontent-range: bytes 10-12/36\r\n\r\n234"
        #expect(try parts(headers, twice + part(30, 35)) == [nil, nil, "uvwxyz"])
    }

    @Test func allOfTheBlobIsNoAnswer() throws {
        #expect(throws: MultipartReader.Refused.self) { _ = try parts([:], Self.content, status: 200) }
        let endless = String(repeating: part(2, 4), count: 100)
        #expect(throws: MultipartReader.Refused.self) { _ = try parts(headers, endless) }
    }
}

/// Requests of a source for several ranges.
@Suite struct ManyRangesTests {
    private let ranges = [ByteRange(start: 0, count: 512), ByteRange(start: 1_000_000, count: 1024)].compactMap { $0 }

    @Test func comeByOneRequestOfARealRegistry() throws {
        let filled = try FilledRegistry()
        let (blob, bytes) = try FilledRegistry.model()
        let parts = try filled.source().parts(of: blob, ranges, cancellation: Cancellation())
        #expect(parts == [Array(bytes[0..<512]), Array(bytes[1_000_000..<1_001_024])])
        #expect(try filled.registry.requests().filter { $0.blobHex == FilledRegistry.modelHex }.count == 1)
    }

    /// Answers that would be the same again: several ranges are not requested again.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 206 Part\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 206 Part\r\nContent-Type: multipart/byteranges; boundary=X\r\nContent-Length: 5\r\n\r\n--X--",
    ])
    func notAgainWhereTheyAreNotKnown(_ answer: String) throws {
        let server = try CannedServer([answer])
        defer { server.stop() }
        let (blob, _) = try FilledRegistry.model()
        let source = try server.source()
        for _ in 0..<3 { #expect(source.parts(of: blob, ranges, cancellation: Cancellation()) == [nil, nil]) }
        #expect(server.requests.count == 1)
        #expect(server.requests[0].contains("\r\nRange: bytes=0-511,1000000-1001023\r\n"))
    }

    @Test func theFirstOfThemIsTaken() throws {
        let text = String(repeating: "a", count: 512)
        let server = try CannedServer([
            "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-511/*\r\nContent-Length: 512\r\n\r\n" + text
        ])
        defer { server.stop() }
        let (blob, _) = try FilledRegistry.model()
        let source = try server.source()
        #expect(source.parts(of: blob, ranges, cancellation: Cancellation()) == [Array(text.utf8), nil])
        #expect(source.parts(of: blob, ranges, cancellation: Cancellation()) == [nil, nil])
        #expect(server.requests.count == 1)
    }

    /// After a transient failure, several ranges are requested again.
    @Test(arguments: [
        "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 206 Part\r\nContent-Length: 9\r\n\r\nabc",
    ])
    func againAfterABadMoment(_ answer: String) throws {
        let server = try CannedServer([answer])
        defer { server.stop() }
        let (blob, _) = try FilledRegistry.model()
        let source = try server.source()
        for _ in 0..<2 { #expect(source.parts(of: blob, ranges, cancellation: Cancellation()) == [nil, nil]) }
        #expect(server.requests.count == 2)
    }
}
