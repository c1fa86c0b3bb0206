// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct EntryNameTests {
    @Test func bytesAreKept() {
        #expect(EntryName("a")?.bytes == [0x61])
        #expect(EntryName([0xff, 0xfe, 0x2e])?.bytes == [0xff, 0xfe, 0x2e])
        #expect(EntryName("...")?.bytes == [46, 46, 46])
        #expect(EntryName(" ")?.bytes == [32])
        #expect(EntryName("a\nb\\:*")?.bytes == Array("a\nb\\:*".utf8))
    }

    @Test(arguments: ["", ".", "..", "/", "a/b", "a/", "/a", "a\u{0}", "\u{0}"]) func refused(_ text: String) {
        #expect(EntryName(text) == nil)
    }

    @Test func at255BytesItEnds() {
        #expect(EntryName([UInt8](repeating: 97, count: 255))?.bytes.count == 255)
        #expect(EntryName([UInt8](repeating: 97, count: 256)) == nil)
        // The limit is in bytes: é has two.
        #expect(EntryName(String(repeating: "é", count: 127)) != nil)
        #expect(EntryName(String(repeating: "é", count: 128)) == nil)
    }

    @Test func composedAndDecomposedAreTwo() throws {
        let composed = try #require(EntryName("caf\u{e9}"))
        let decomposed = try #require(EntryName("cafe\u{301}"))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func theOrderIsThatOfBytes() throws {
        let names = try ["é", "b", "a", "ab", "B"].map { try #require(EntryName($0)) }
        #expect(names.sorted().map(\.description) == ["B", "a", "ab", "b", "é"])
    }

    @Test func printedWithoutControlCharacters() {
        #expect(EntryName([97, 27, 0xff, 10])?.description == "a\u{FFFD}\u{FFFD}\u{FFFD}")
    }
}
