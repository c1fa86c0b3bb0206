// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry

@Suite struct RangeReaderTests {
    private let blob = Descriptor(
        mediaType: .kitConfig, digest: DigestHasher.digest(of: []), size: 10)

    private func reader(_ start: UInt64, _ count: UInt64) throws -> RangeReader {
        RangeReader(blob: blob, range: try #require(ByteRange(start: start, count: count)), artifact: "r.io/m:v1")
    }

    private func response(_ status: Int, _ headers: [String: String] = [:]) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers)
    }

    /// Gives the reader pieces of one answer; returns the bytes passed on, and whether the reader ended the transfer.
    private func give(
        _ reader: inout RangeReader, _ response: HTTPResponse, _ pieces: [UInt8]...
    ) throws -> (bytes: [UInt8], ended: Bool) {
        var bytes: [UInt8] = []
        do {
            for piece in pieces {
                try reader.receive(response, piece.span.bytes) { $0.withUnsafeBytes { bytes.append(contentsOf: $0) } }
            }
        } catch is ResponseComplete {
            return (bytes, true)
        }
        return (bytes, false)
    }

    @Test func allOfABlobIsAskedForWithoutARange() throws {
        var reader = try reader(0, 10)
        #expect(try reader.request(.example()).ranges.isEmpty)
        let got = try give(&reader, response(200, ["content-length": "10"]), [0, 1, 2, 3], [4, 5, 6, 7, 8, 9])
        #expect(got.bytes == Array(0..<10))
        #expect(reader.isComplete && !got.ended)
    }

    @Test func aRange() throws {
        var reader = try reader(3, 4)
        #expect(try reader.request(.example()).ranges == [ByteRange(start: 3, count: 4)])
        let got = try give(&reader, response(206, ["content-range": "bytes 3-6/10"]), [3, 4], [], [5, 6])
        #expect(got.bytes == [3, 4, 5, 6])
        #expect(reader.isComplete && reader.reached == 7)
    }

    @Test func goesOnWhereItBroke() throws {
        var reader = try reader(0, 10)
        _ = try reader.request(.example())
        #expect(try give(&reader, response(200), [0, 1, 2]).bytes == [0, 1, 2])
        #expect(!reader.isComplete)
        #expect(try reader.request(.example()).ranges == [ByteRange(start: 3, count: 7)])
        #expect(try give(&reader, response(206, ["content-range": "bytes 3-9/*"]), [3, 4]).bytes == [3, 4])
        #expect(try reader.request(.example()).ranges == [ByteRange(start: 5, count: 5)])
        // This time the server ignores the range. Bytes already received are not passed on again.
        #expect(try give(&reader, response(200), [0, 1, 2], [3, 4, 5, 6], [7, 8, 9]).bytes == [5, 6, 7, 8, 9])
        #expect(reader.isComplete)
    }

    @Test func whatExceedsTheRangeEndsTheTransfer() throws {
        var ignored = try reader(2, 3)
        let got = try give(&ignored, response(200), [0, 1, 2, 3], [4, 5, 6], [7])
        #expect(got.bytes == [2, 3, 4])
        #expect(got.ended && ignored.isComplete)
        var over = try reader(2, 3)
        let more = try give(&over, response(206, ["content-range": "bytes 2-9/10"]), [2, 3, 4], [5, 6])
        #expect(more.bytes == [2, 3, 4])
        #expect(more.ended)
    }

    /// The whole is accepted for a part at the blob's start. For others it would cost all bytes before them.
    @Test func theWholeInsteadOfADistantPart() throws {
        let blob = Descriptor(mediaType: .kitConfig, digest: DigestHasher.digest(of: []), size: 20 << 20)
        let whole = response(200, ["content-length": "\(20 << 20)"])
        for (start, count) in [(0, 300 << 10), (256 << 10, 1), (1 << 20, 19 << 20)] as [(UInt64, UInt64)] {
            var far = RangeReader(
                blob: blob, range: try #require(ByteRange(start: start, count: count)), artifact: "r.io/m:v1")
            _ = try far.request(.example())
            #expect(throws: RangesIgnored.self) { try give(&far, whole, [1]) }
        }
        var near = RangeReader(blob: blob, range: try #require(ByteRange(start: 1, count: 2)), artifact: "r.io/m:v1")
        _ = try near.request(.example())
        #expect(try give(&near, whole, [1, 2, 3, 4]).bytes == [2, 3])
    }

    @Test(
        arguments: [
            (200, ["content-length": "11"]), (200, ["content-length": "0"]), (206, [:]), (206, ["content-range": "x"]),
            (206, ["content-range": "bytes 3-6/11"]), (206, ["content-range": "bytes 0-9/10"]),
            (206, ["content-range": "bytes 4-6/10"]),
        ] as [(Int, [String: String])]) func answersThatDoNotFit(_ status: Int, _ headers: [String: String]) throws
    {
        var reader = try reader(3, 4)
        _ = try reader.request(.example())
        let error = #expect(throws: SourceError.self) { try give(&reader, response(status, headers), [9]) }
        guard case .unusable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.hasPrefix("r.io/m:v1: blob \(blob.digest)"))
        #expect(reader.reached == 3)
    }
}
