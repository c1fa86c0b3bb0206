// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct ZstdDecompressorTests {
    @Test(arguments: [1, 7, 1000, .max]) func oneFrame(_ piece: Int) throws {
        let text = GzipReading.text(200_000)
        for options in [["-1"], ["-19"], ["--no-check"], ["--long=27"], ["--no-content-size"]] {
            #expect(try ZstdReading.decompress(ZstdReading.compress(text, options), piece: piece) == text)
        }
    }

    @Test(arguments: [1, 7, 1000, .max]) func severalFrames(_ piece: Int) throws {
        let text = GzipReading.text(50_000)
        let stream = try [text, [], Array("x".utf8), text].flatMap { try ZstdReading.compress($0) }
        #expect(try ZstdReading.decompress(stream, piece: piece) == text + [120] + text)
    }

    @Test(arguments: [1, 7, .max]) func skippableFrames(_ piece: Int) throws {
        let skip = ZstdReading.skippable(GzipReading.text(3000))
        let frame = try ZstdReading.compress(Array("abc".utf8))
        let cases = [
            (skip + frame, "abc"), (frame + skip, "abc"), (frame + skip + frame, "abcabc"),
            (skip + skip + frame + ZstdReading.skippable([]), "abc"),
        ]
        for (stream, text) in cases {
            #expect(try ZstdReading.decompress(stream, piece: piece) == Array(text.utf8))
        }
        #expect(try ZstdReading.decompress(skip, piece: piece) == [])
    }

    @Test(arguments: [1, 7, .max]) func anEmptyFrame(_ piece: Int) throws {
        #expect(try ZstdReading.decompress(ZstdReading.compress([]), piece: piece) == [])
    }

    @Test(arguments: 0..<8) func piecesOfAnySize(_ seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let noise = (0..<150_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let text = GzipReading.text(150_000)
        let stream = try ZstdReading.compress(noise) + ZstdReading.compress(text)
        let found = try ZstdReading.decompress(stream) { Int.random(in: 1...5000, using: &generator) }
        #expect(found == noise + text)
    }

    /// Output comes in pieces of 1 MiB. A frame may end exactly at the end of one.
    @Test(arguments: [-1, 0, 1]) func contentOfWholePieces(_ more: Int) throws {
        let bytes = GzipReading.text((2 << 20) + more)
        let stream = try ZstdReading.compress(bytes)
        #expect(try ZstdReading.decompress(stream) == bytes)
        #expect(try ZstdReading.decompress(stream, piece: 1) == bytes)
        #expect(try ZstdReading.decompress(stream + stream, piece: 100_000) == bytes + bytes)
    }

    @Test func largeOutputComesInPieces() throws {
        let count = 20 << 20
        let stream = try ZstdReading.compress([UInt8](repeating: 0, count: count))
        try #require(stream.count < 10_000)
        let decompressor = ZstdDecompressor()
        var total = 0
        var largest = 0
        var allZero = true
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        try decompressor.push(stream.span.bytes) { piece in
            total += piece.byteCount
            largest = max(largest, piece.byteCount)
            allZero = allZero && piece.withUnsafeBytes { zeros.starts(with: $0) }
        }
        try decompressor.finish()
        #expect(total == count)
        #expect(largest <= 1 << 20)
        #expect(allZero)
    }

    @Test func whatTheCallerThrowsComesThrough() throws {
        struct Stop: Error {}
        let stream = try ZstdReading.compress(Array("abc".utf8))
        #expect(throws: Stop.self) { try ZstdDecompressor().push(stream.span.bytes) { _ in throw Stop() } }
    }
}
