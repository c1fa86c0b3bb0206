// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct ZstdErrorTests {
    private func error(_ stream: [UInt8], piece: Int = .max) -> CompressionError? {
        #expect(throws: CompressionError.self) { try ZstdReading.decompress(stream, piece: piece) }
    }

    private func reason(_ stream: [UInt8], piece: Int = .max) throws -> String {
        let error = error(stream, piece: piece)
        guard case .corrupt(.zstd, let reason, let offset)? = error else {
            throw TestSupportError("not corrupt but \(String(describing: error))")
        }
        #expect(offset <= UInt64(stream.count))
        return reason
    }

    @Test func truncatedAtEachByte() throws {
        let first = try ZstdReading.compress(GzipReading.text(300))
        let skip = ZstdReading.skippable([1, 2, 3])
        let stream = try first + skip + ZstdReading.compress(Array("second".utf8))
        for end in 0..<stream.count where end != first.count && end != first.count + skip.count {
            let cut = Array(stream[..<end])
            #expect(error(cut) == .truncated(.zstd, offset: UInt64(end)), "cut at \(end)")
            #expect(error(cut, piece: 1) == .truncated(.zstd, offset: UInt64(end)), "cut at \(end)")
        }
        // Cut between two frames, it is valid.
        #expect(try ZstdReading.decompress(first) == GzipReading.text(300))
        #expect(try ZstdReading.decompress(first + skip) == GzipReading.text(300))
    }

    /// A mutated stream gives the same bytes or, by its checksum, an error.
    @Test(arguments: [1, .max]) func corruptAtEachByte(_ piece: Int) throws {
        let text = GzipReading.text(700)
        let stream = try ZstdReading.compress(text)
        var refused = 0
        for index in stream.indices {
            for bit: UInt8 in [1, 0x10, 0x80] {
                var wrong = stream
                wrong[index] ^= bit
                do {
                    #expect(try ZstdReading.decompress(wrong, piece: piece) == text, "bit \(bit) at \(index)")
                } catch {
                    #expect(error is CompressionError)
                    refused += 1
                }
            }
        }
        #expect(refused > stream.count * 2)
    }

    @Test(arguments: [1, 7, .max]) func aWrongChecksum(_ piece: Int) throws {
        var stream = try ZstdReading.compress(GzipReading.text(1000))
        let second = stream
        stream[stream.count - 1] ^= 1
        #expect(try reason(stream, piece: piece).contains("checksum"))
        #expect(try reason(stream + second, piece: piece).contains("checksum"))
    }

    @Test(arguments: [1, 7, .max]) func garbageBehindAFrame(_ piece: Int) throws {
        let stream = try ZstdReading.compress(Array("abc".utf8))
        for garbage: UInt8 in [0, 0x55, 0xff] {
            _ = try reason(stream + [UInt8](repeating: garbage, count: 40), piece: piece)
        }
    }

    @Test(arguments: [1, 7, .max]) func whatIsNotZstd(_ piece: Int) throws {
        let gzip = try GzipReading.compress(GzipReading.text(100))
        for stream in [gzip, [UInt8](repeating: 0, count: 1024), Array("plain text, long enough".utf8)] {
            _ = try reason(stream, piece: piece)
        }
    }

    @Test func nothingIsNoStream() {
        #expect(throws: CompressionError.truncated(.zstd, offset: 0)) { try ZstdDecompressor().finish() }
    }

    /// A frame states the memory for its window, which is limited to 128 MiB.
    @Test func windows() throws {
        let bytes = GzipReading.text(1000)
        func frame(windowDescriptor: UInt8) throws -> [UInt8] {
            // With --no-content-size, a window descriptor follows the frame header's flags.
            var stream = try ZstdReading.compress(bytes, ["--no-content-size"])
            try #require(stream[4] & 0x20 == 0)
            stream[5] = windowDescriptor
            return stream
        }
        // RFC 8878, 3.1.1.1.2: exponent in the upper five bits, from 1 KiB on; eighths in the lower three.
        #expect(try ZstdReading.decompress(frame(windowDescriptor: 17 << 3)) == bytes)
        for descriptor: UInt8 in [17 << 3 | 1, 18 << 3, 21 << 3, 31 << 3 | 7] {
            #expect(try reason(frame(windowDescriptor: descriptor)).contains("memory"))
        }
    }

    /// Frames that libzstd accepts in one piece and refuses in several.
    @Test(arguments: [1, 7, .max]) func piecesDoNotMatter(_ piece: Int) throws {
        let head: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
        // A window of 256 MiB, for a content of one byte.
        let window = head + [0xc0, 18 << 3, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 65]
        #expect(try reason(window, piece: piece).contains("memory"))
        // No content, in a block that repeats a byte zero times.
        let block = head + [0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 65]
        #expect(try reason(block, piece: piece).contains("corrupt"))
        let frame = try ZstdReading.compress(Array("abc".utf8))
        #expect(try reason(frame + window, piece: piece).contains("memory"))
    }

    /// A frame that claims a content of 2^63 bytes has none of it.
    @Test func aHugeContentSize() throws {
        // RFC 8878, 3.1.1.1: with a single segment, the window would be as large.
        let single: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80, 9, 0, 0, 65]
        #expect(try reason(single).contains("memory"))
        // With a window of its own, and one byte in its last block.
        let windowed: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 9, 0, 0, 65]
        #expect(try reason(windowed).contains("corrupt"))
    }
}
