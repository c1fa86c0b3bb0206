// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

/// Sizes near the largest file offset, none of which may trap.
@Suite struct TarHugeSizeTests {
    private static let largest = UInt64(Int64.max)
    private static let lastBlock = largest - 511

    /// A header with its size field in base 256.
    private func header(size: UInt64) -> [UInt8] {
        var tar = TarBuilder()
        tar.raw([102]) { header in
            header[124] = 0x80
            for index in 0..<11 {
                header[125 + index] = index < 3 ? 0 : UInt8(truncatingIfNeeded: size >> UInt64(8 * (10 - index)))
            }
        }
        return tar.bytes
    }

    @Test(arguments: [largest, largest - 1, largest - 512, largest - 1023])
    func tooLong(_ size: UInt64) {
        var parser = TarParser(length: nil)
        #expect(throws: TarError.tooLong(path: "f", offset: 0)) { try parser.consume(header(size: size)) }
    }

    @Test func tooLongInARecord() throws {
        for digits in ["9223372036854775807", "9223372036854775799"] {
            var tar = TarBuilder()
            tar.pax([("size", Array(digits.utf8))])
            tar.file("f", [])
            #expect(throws: TarError.self) { try TarReading.list(tar.finish()) }
            #expect(throws: TarError.self) { try TarReading.follow(tar.finish(), piece: 512) }
        }
    }

    @Test func theLongestThatFits() throws {
        var parser = TarParser(length: nil)
        let size = Self.largest - 1024
        #expect(try parser.consume(header(size: size))?.size == size)
        #expect(parser.offset == Self.lastBlock)
        // No member can follow there, and asking for one must not trap.
        #expect(throws: TarError.tooLong(path: "f", offset: Self.lastBlock)) { try parser.consume(header(size: 0)) }
    }

    @Test func anExtensionThere() throws {
        var parser = TarParser(length: nil)
        _ = try parser.consume(header(size: Self.largest - 1024))
        var tar = TarBuilder()
        tar.pax([("path", [97])])
        #expect(throws: TarError.self) {
            _ = try parser.consume(Array(tar.bytes[0..<512]))
            _ = try parser.consume(Array(tar.bytes[512..<1024]))
            _ = try parser.consume(header(size: 1))
        }
    }

    @Test func theFollowerWaitsForAllOfIt() throws {
        var follower = TarStreamParser()
        var found: [UInt64] = []
        try follower.push(header(size: 1 << 62).span.bytes) { found.append($0.size) }
        try follower.push([UInt8](repeating: 255, count: 5000).span.bytes) { found.append($0.size) }
        #expect(found == [1 << 62])
        #expect(follower.position == 5512)
        #expect(throws: TarError.truncated(offset: 5512)) { try follower.finish() }
    }
}
