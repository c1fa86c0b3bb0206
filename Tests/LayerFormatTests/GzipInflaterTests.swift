// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct GzipInflaterTests {
    @Test(arguments: [1, 7, 1000, .max]) func oneMember(_ piece: Int) throws {
        let text = GzipReading.text(200_000)
        for level in ["-1", "-9"] {
            #expect(try GzipReading.inflate(GzipReading.compress(text, [level]), piece: piece) == text)
        }
    }

    @Test(arguments: [1, 7, 1000, .max]) func severalMembers(_ piece: Int) throws {
        let text = GzipReading.text(50_000)
        let stream = try [text, [], Array("x".utf8), text].flatMap { try GzipReading.compress($0) }
        #expect(try GzipReading.inflate(stream, piece: piece) == text + [120] + text)
    }

    @Test(arguments: [1, 7, .max]) func emptyMember(_ piece: Int) throws {
        #expect(try GzipReading.inflate(GzipReading.compress([]), piece: piece) == [])
    }

    @Test(arguments: [1, 7, 1000, .max]) func contentThatDoesNotCompress(_ piece: Int) throws {
        var generator = SeededGenerator(seed: 3)
        let noise = (0..<150_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        #expect(try GzipReading.inflate(GzipReading.compress(noise), piece: piece) == noise)
    }

    @Test(arguments: [1, 7, .max]) func headersWithNameAndTime(_ piece: Int) throws {
        let directory = try TemporaryDirectory()
        try writeFile(directory.path + "/a name.txt", Array("abc".utf8))
        let stream = try Command.check("gzip", ["-c", directory.path + "/a name.txt"]).stdout
        try #require(stream[3] == 8)  // FNAME
        #expect(try GzipReading.inflate(stream, piece: piece) == Array("abc".utf8))
    }

    /// RFC 1952: all sixteen sets of an extra field, a name, a comment and a CRC of the header.
    @Test(arguments: [1, 7, .max], 0..<16) func headersWithOtherFields(_ piece: Int, _ set: Int) throws {
        let plain = try GzipReading.compress(Array("abc".utf8))
        var header = [0x1f, 0x8b, 8, UInt8(set) << 1] + plain[4..<10]
        if set & 2 != 0 { header += [4, 0, 1, 2, 3, 4] }
        if set & 4 != 0 { header += Array("name\0".utf8) }
        if set & 8 != 0 { header += Array("comment\0".utf8) }
        if set & 1 != 0 {
            // gzip(1) gives the CRC32 of the header: it is in the trailer of a stream with the header as content.
            let sum = try Command.check("gzip", ["-n"], input: header).stdout.suffix(8)
            header += sum.prefix(2)
        }
        let stream = header + plain[10...]
        #expect(try Command.check("gzip", ["-dc"], input: stream).output == "abc")
        #expect(try GzipReading.inflate(stream + stream, piece: piece) == Array("abcabc".utf8))
    }

    @Test(arguments: [1, 7, .max]) func zerosMayFollow(_ piece: Int) throws {
        let stream = try GzipReading.compress(Array("abc".utf8))
        for count in [1, 511, 3000] {
            let padded = stream + [UInt8](repeating: 0, count: count)
            #expect(try GzipReading.inflate(padded, piece: piece) == Array("abc".utf8))
        }
    }

    @Test func aLayerOfKit() throws {
        let hex = "99ffd9253b75a364f00d25aa2c84f7278639a3ef953c1437ee0edd07655a04ec"
        let tar = try GzipReading.inflate(readFile(Fixtures.blob("gzip", hex)), piece: 4096)
        // Its diffId in the config.
        #expect(Sha256.hex(tar) == "dcaead6871080a35f4be80803b5a1d40059af16e32fd3b2cd2b1d5e7052495fa")
    }

    @Test func largeOutputComesInPieces() throws {
        let count = 20 << 20
        let stream = try GzipReading.compress([UInt8](repeating: 0, count: count))
        try #require(stream.count < 30_000)
        let inflater = GzipInflater()
        var total = 0
        var largest = 0
        var allZero = true
        let zeros = [UInt8](repeating: 0, count: GzipInflater.pieceSize)
        try inflater.push(stream.span.bytes) { piece in
            total += piece.byteCount
            largest = max(largest, piece.byteCount)
            allZero = allZero && piece.withUnsafeBytes { zeros.starts(with: $0) }
        }
        try inflater.finish()
        #expect(total == count)
        #expect(largest <= GzipInflater.pieceSize)
        #expect(allZero)
        #expect(inflater.position == UInt64(stream.count))
    }

    /// The end of a member may be the end of a push, or one byte off.
    @Test(arguments: -3...3) func membersThatEndWithAPush(_ shift: Int) throws {
        let first = try GzipReading.compress(Array("first".utf8))
        let second = try GzipReading.compress(Array("second".utf8))
        let stream = first + second + second
        var cuts = [first.count + shift, second.count, second.count - shift].makeIterator()
        #expect(try GzipReading.inflate(stream) { cuts.next() ?? 1 } == Array("firstsecondsecond".utf8))
    }

    @Test func whatTheCallerThrowsComesThrough() throws {
        struct Stop: Error {}
        let stream = try GzipReading.compress(Array("abc".utf8))
        #expect(throws: Stop.self) { try GzipInflater().push(stream.span.bytes) { _ in throw Stop() } }
    }
}
