// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct EntryPathTests {
    private func names(_ text: String) throws(EntryPathError) -> [String] {
        try EntryPath(parsing: Array(text.utf8)).names.map(\.description)
    }

    @Test(arguments: [
        ("a", ["a"]), ("a/b", ["a", "b"]), ("./a//b/", ["a", "b"]), ("a/./b/.", ["a", "b"]), ("a///", ["a"]),
        ("", []), (".", []), ("./", []), ("././/", []), ("...", ["..."]), (".a", [".a"]), ("..a/b..", ["..a", "b.."]),
        ("a b/ü", ["a b", "ü"]), ("a\\b", ["a\\b"]),
    ]) func read(_ text: String, _ expected: [String]) throws {
        #expect(try names(text) == expected)
        #expect(try EntryPath(parsing: Array(text.utf8)).isRoot == expected.isEmpty)
    }

    @Test func refused() {
        #expect(throws: EntryPathError.absolute("/a")) { try names("/a") }
        #expect(throws: EntryPathError.absolute("/")) { try names("/") }
        #expect(throws: EntryPathError.absolute("//a")) { try names("//a") }
        for text in ["..", "../a", "a/..", "a/../b", "./..", "a/b/../../.."] {
            #expect(throws: EntryPathError.leavesRoot(text)) { try names(text) }
        }
        #expect(throws: EntryPathError.containsNUL("a\u{FFFD}b")) { try names("a\u{0}b") }
    }

    @Test func at255BytesANameEnds() throws {
        let longest = String(repeating: "n", count: 255)
        let path = try EntryPath(parsing: Array("d/\(longest)".utf8))
        #expect(path.names.map(\.bytes.count) == [1, 255])
        let error = #expect(throws: EntryPathError.self) { try names("d/" + longest + "n") }
        // The message has the first 200 characters.
        #expect(error == .nameTooLong("d/" + String(repeating: "n", count: 198) + "…"))
    }

    @Test func bytesAreKept() throws {
        let path = try EntryPath(parsing: [0xff, 47, 0x65, 0xcc, 0x81])
        #expect(path.names.map(\.bytes) == [[0xff], [0x65, 0xcc, 0x81]])
        #expect(try path != EntryPath(parsing: [0xff, 47, 0xc3, 0xa9]))
    }

    @Test func containing() throws {
        let directory = try EntryPath(parsing: Array("a/b".utf8))
        for (text, expected) in [("a/b", true), ("a/b/c", true), ("a", false), ("a/bc", false), ("", false)] {
            #expect(try directory.contains(EntryPath(parsing: Array(text.utf8))) == expected, "\(text)")
        }
        #expect(EntryPath.root.contains(directory))
        #expect(EntryPath.root.contains(.root))
    }

    @Test func appendingAndPrinting() throws {
        let path = EntryPath.root.appending(try #require(EntryName("a"))).appending(try #require(EntryName("b")))
        #expect(path.description == "a/b")
        #expect(EntryPath.root.description == ".")
        #expect(try EntryPath(parsing: Array("a/b/".utf8)) == path)
    }
}
