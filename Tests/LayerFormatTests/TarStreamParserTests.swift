// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct TarStreamParserTests {
    /// The tars that kit and other tools write.
    static let tar: [UInt8] = {
        var tar = TarBuilder()
        tar.directory("d")
        tar.file("d/empty", [])
        tar.file("d/one", [1])
        tar.file("d/block", [UInt8](repeating: 2, count: 512))
        tar.file("d/日本語", [UInt8](repeating: 3, count: 5000))
        tar.file(String(repeating: "long/", count: 300) + "f", [UInt8](repeating: 4, count: 513))
        tar.raw(Array("././@LongLink".utf8), type: "L", Array((String(repeating: "n", count: 600) + "\0").utf8)) { _ in
        }
        tar.file("short", [UInt8](repeating: 5, count: 511))
        tar.symlink("s", to: "d/one")
        tar.hardLink("h", to: "d/one")
        return tar.finish()
    }()

    @Test(arguments: [1, 7, 511, 512, 513, 4096, 1 << 20]) func piecesMakeNoDifference(_ size: Int) throws {
        let members = try TarReading.follow(Self.tar, piece: size)
        #expect(try members == TarReading.list(Self.tar))
        #expect(
            members.map(\.name) == [
                "d", "d/empty", "d/one", "d/block", "d/日本語", String(repeating: "long/", count: 300) + "f",
                String(repeating: "n", count: 600), "s", "h",
            ])
        #expect(members.map(\.size) == [0, 0, 1, 512, 5000, 513, 511, 0, 0])
    }

    @Test func piecesOfRandomSizes() throws {
        var generator = SeededGenerator(seed: 1)
        let listed = try TarReading.list(Self.tar)
        for _ in 0..<200 {
            #expect(try TarReading.follow(Self.tar) { Int.random(in: 1...2000, using: &generator) } == listed)
        }
    }

    @Test func membersComeAsSoonAsTheirHeaderIsThere() throws {
        var tar = TarBuilder()
        tar.file("a", [UInt8](repeating: 1, count: 1000))
        let bytes = tar.finish()
        var follower = TarStreamParser()
        var count = 0
        try follower.push(bytes.span.bytes.extracting(0..<511)) { _ in count += 1 }
        #expect(count == 0)
        try follower.push(bytes.span.bytes.extracting(511..<512)) { _ in count += 1 }
        #expect(count == 1)
    }

    @Test func emptyPieces() throws {
        var follower = TarStreamParser()
        try follower.push([UInt8]().span.bytes) { _ in }
        #expect(follower.position == 0)
        try follower.finish()
    }

    @Test func whatTheCallerThrowsComesThrough() {
        struct Stop: Error {}
        var follower = TarStreamParser()
        #expect(throws: Stop.self) { try follower.push(Self.tar.span.bytes) { _ in throw Stop() } }
    }
}
