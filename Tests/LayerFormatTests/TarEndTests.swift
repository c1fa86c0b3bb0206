// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

/// Valid and invalid ends of a tar.
@Suite struct TarEndTests {
    private var tar: TarBuilder {
        var tar = TarBuilder()
        tar.directory("d")
        tar.file("d/日本語", [UInt8](repeating: 1, count: 700))
        tar.file("d/b", [UInt8](repeating: 2, count: 512))
        return tar
    }

    /// Offsets of `tar`: d 0; record 512, name in 1024, header 1536, content 2048 ..< 2748 (3072); b 3072, content
    /// 3584 ..< 4096.
    private static let goodEnds: [Int: Int] = [
        // Some tars lack the padding of their last member.
        0: 0, 512: 1, 2748: 2, 2749: 2, 3071: 2, 3072: 2, 4096: 3, 4608: 3, 5120: 3,
    ]

    @Test func cutAtEachBlock() throws {
        let bytes = tar.finish()
        try #require(bytes.count == 5120)
        for end in Array(stride(from: 0, through: bytes.count, by: 512)) + [2748, 2749, 3071] {
            let cut = Array(bytes[..<end])
            if let count = Self.goodEnds[end] {
                #expect(try TarReading.list(cut).count == count, "cut at \(end)")
                #expect(try TarReading.follow(cut, piece: 512).count == count, "cut at \(end)")
            } else {
                #expect(throws: TarError.self, "cut at \(end)") { try TarReading.list(cut) }
                #expect(throws: TarError.self, "cut at \(end)") { try TarReading.follow(cut, piece: 512) }
            }
        }
    }

    @Test func cutInTheMiddle() {
        let bytes = tar.finish()
        for end in [1, 100, 511, 513, 1023, 1025, 1600, 2049, 2747, 3073, 3600, 4095] {
            let cut = Array(bytes[..<end])
            #expect(throws: TarError.self, "cut at \(end)") { try TarReading.list(cut) }
            #expect(throws: TarError.self, "cut at \(end)") { try TarReading.follow(cut, piece: 512) }
        }
    }

    @Test func theErrorSaysWhere() {
        let bytes = tar.finish()
        #expect(throws: TarError.truncated(offset: 600)) { try TarReading.follow(Array(bytes[..<600]), piece: 1) }
        #expect(throws: TarError.truncated(offset: 2100)) { try TarReading.follow(Array(bytes[..<2100]), piece: 9) }
        #expect(throws: TarError.tooLong(path: "d/日本語", offset: 1536)) { try TarReading.list(Array(bytes[..<2100])) }
    }

    @Test func nothingIsReadBehindTheMarker() throws {
        var bytes = tar.finish()
        bytes += [UInt8](repeating: 0xaa, count: 3000)
        #expect(try TarReading.members(bytes).count == 3)
        var parser = TarParser(length: nil)
        #expect(try parser.consume([UInt8](repeating: 0, count: 512)) == nil)
        #expect(parser.isAtEnd && parser.wanted == 0)
        #expect(parser.prematureEnd(at: 512) == nil)
    }

    @Test func emptyLayers() throws {
        // The tar that kit writes for a directory without files.
        #expect(try TarReading.members([UInt8](repeating: 0, count: 1024)).isEmpty)
        #expect(try TarReading.members([UInt8](repeating: 0, count: 10240)).isEmpty)
        #expect(try TarReading.members([]).isEmpty)
    }

    @Test func oneMarkerBlockIsEnough() throws {
        #expect(try TarReading.members(tar.bytes + [UInt8](repeating: 0, count: 512)).count == 3)
    }
}
