// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct GzipErrorTests {
    private func error(_ stream: [UInt8], piece: Int = .max) -> CompressionError? {
        #expect(throws: CompressionError.self) { try GzipReading.inflate(stream, piece: piece) }
    }

    private func corruption(_ stream: [UInt8], piece: Int) throws -> (reason: String, offset: UInt64) {
        let error = error(stream, piece: piece)
        guard case .corrupt(.gzip, let reason, let offset)? = error else {
            throw TestSupportError("not corrupt but \(String(describing: error))")
        }
        return (reason, offset)
    }

    @Test func truncatedAtEachByte() throws {
        let first = try GzipReading.compress(GzipReading.text(300))
        let stream = try first + GzipReading.compress(Array("second".utf8))
        for end in 0..<stream.count where end != first.count {
            let cut = Array(stream[..<end])
            #expect(error(cut) == .truncated(.gzip, offset: UInt64(end)), "cut at \(end)")
            #expect(error(cut, piece: 1) == .truncated(.gzip, offset: UInt64(end)), "cut at \(end)")
        }
        // Cut between two members, it is valid.
        #expect(try GzipReading.inflate(first) == GzipReading.text(300))
    }

    @Test(arguments: [1, 7, .max]) func wrongChecksumOrLength(_ piece: Int) throws {
        let stream = try GzipReading.compress(GzipReading.text(1000))
        for index in stream.count - 8..<stream.count {
            var wrong = stream
            wrong[index] ^= 1
            let found = try corruption(wrong, piece: piece)
            #expect(found.reason == "the checksum is wrong")
            #expect(found.offset <= UInt64(stream.count))
        }
    }

    @Test(arguments: [1, 7, .max]) func aWrongChecksumOfTheFirstMember(_ piece: Int) throws {
        var stream = try GzipReading.compress(GzipReading.text(1000))
        let second = stream
        stream[stream.count - 8] ^= 1
        #expect(try corruption(stream + second, piece: piece).reason == "the checksum is wrong")
    }

    @Test(arguments: [1, 7, .max]) func garbageBehindAMember(_ piece: Int) throws {
        let stream = try GzipReading.compress(Array("abc".utf8))
        let garbage = [UInt8](repeating: 0x55, count: 40)
        let found = try corruption(stream + garbage, piece: piece)
        #expect(found.reason == "there is no gzip header")
        #expect(found.offset == UInt64(stream.count))
    }

    @Test(arguments: [1, 7, .max]) func garbageBehindThePadding(_ piece: Int) throws {
        let stream = try GzipReading.compress(Array("abc".utf8))
        let offset = UInt64(stream.count + 10)
        #expect(
            error(stream + [UInt8](repeating: 0, count: 10) + [1], piece: piece)
                == .corrupt(.gzip, reason: "what follows the padding is not gzip", offset: offset))
        // Another member is not allowed there either.
        #expect(
            error(stream + [UInt8](repeating: 0, count: 10) + stream, piece: piece)
                == .corrupt(.gzip, reason: "what follows the padding is not gzip", offset: offset))
    }

    @Test(arguments: [1, 7, .max]) func whatIsNotGzip(_ piece: Int) throws {
        let zlib: [UInt8] = [0x78, 0x9c] + [UInt8](repeating: 3, count: 20)
        let zstd: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd] + [UInt8](repeating: 0, count: 20)
        var otherMethod = try GzipReading.compress(Array("abc".utf8))
        otherMethod[2] = 7
        var unknownFlag = try GzipReading.compress(Array("abc".utf8))
        unknownFlag[3] = 0x20
        for stream in [zlib, zstd, [UInt8](repeating: 0, count: 1024), otherMethod, unknownFlag] {
            #expect(try corruption(stream, piece: piece).offset < 4)
        }
    }

    @Test func nothingIsNoStream() {
        #expect(throws: CompressionError.truncated(.gzip, offset: 0)) { try GzipInflater().finish() }
    }

    /// A mutated stream gives the same bytes or, by its checksum, an error.
    @Test(.timeLimit(.minutes(1)), arguments: 0..<4) func mutations(_ round: Int) throws {
        var generator = SeededGenerator(seed: UInt64(round))
        let text = GzipReading.text(2000)
        let stream = try GzipReading.compress(text) + GzipReading.compress(Array("tail".utf8))
        let whole = text + Array("tail".utf8)
        var refused = 0
        for _ in 0..<500 {
            var bytes = stream
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.removeSubrange(index...)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                }
            }
            do {
                let output = try GzipReading.inflate(bytes) { Int.random(in: 1...300, using: &generator) }
                // Cut between the two members, it is valid too.
                #expect(output == whole || output == text)
            } catch {
                #expect(error is CompressionError)
                refused += 1
            }
        }
        #expect(refused > 400)
    }
}
