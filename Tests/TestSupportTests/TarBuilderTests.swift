// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

@Suite struct TarBuilderTests {
    /// 60 + 1 + 60 bytes, which fit the prefix and name fields.
    private static let splittable = String(repeating: "p", count: 60) + "/" + String(repeating: "n", count: 60)
    /// A name without a slash, which needs a PAX record.
    private static let long = String(repeating: "x", count: 140) + ".txt"

    private func sample() -> TarBuilder {
        var tar = TarBuilder()
        tar.directory("data")
        tar.directory(String(repeating: "p", count: 60), mode: 0o1777)
        tar.file("data/plain.txt", Array("plain".utf8), mode: 0o600)
        tar.file("data/日本語.txt", Array("nihongo".utf8))
        tar.file(Self.splittable, Array("split".utf8))
        tar.file(Self.long, [UInt8](repeating: 7, count: 1_025))
        tar.file("empty", [])
        tar.symlink("data/link", to: "plain.txt")
        tar.hardLink("data/hard", to: "data/plain.txt", mode: 0o600)
        tar.file(Array("data/".utf8) + [0xff, 0xfe], [1])
        return tar
    }

    @Test func theSystemsTarListsIt() throws {
        let listing = try Command.check("tar", ["--quoting-style=literal", "-tf", "-"], input: sample().finish())
        #expect(listing.errorOutput.isEmpty)
        let names = listing.stdout.split(separator: UInt8(ascii: "\n")).map(Array.init)
        let texts = [
            "data", String(repeating: "p", count: 60), "data/plain.txt", "data/日本語.txt", Self.splittable,
            Self.long, "empty", "data/link", "data/hard",
        ]
        #expect(names == texts.map { Array($0.utf8) } + [Array("data/".utf8) + [0xff, 0xfe]])
    }

    @Test func theSystemsTarExtractsIt() throws {
        let directory = try TemporaryDirectory()
        try Command.check(
            "tar", ["-xpf", "-", "--no-same-owner", "-C", directory.path], input: sample().finish())
        let found = try TreeScan.scan(directory.path)
        func entry(_ path: String) throws -> TreeEntry { try #require(found.first { $0.path == Array(path.utf8) }) }
        #expect(try entry("data/plain.txt").mode == 0o600)
        #expect(try entry("data/plain.txt").mtime == 0)
        #expect(try entry("data/日本語.txt").sha256 == Sha256.hex(Array("nihongo".utf8)))
        #expect(try entry(Self.splittable).size == 5)
        #expect(try entry(Self.long).size == 1_025)
        #expect(try entry("data/link").target == Array("plain.txt".utf8))
        #expect(try entry("data/hard").sha256 == Sha256.hex(Array("plain".utf8)))
        #expect(try entry(String(repeating: "p", count: 60)).mode == 0o1777)
        #expect(found.contains { $0.path == Array("data/".utf8) + [0xff, 0xfe] })
        #expect(found.count == 11)
    }

    @Test func brokenHeadersAreBroken() throws {
        var tar = TarBuilder()
        tar.raw(Array("f".utf8), Array("x".utf8), fixChecksum: false) { $0[0] = UInt8(ascii: "g") }
        #expect(try Command.run("tar", ["-tf", "-"], input: tar.finish()).exitCode != 0)
        var fixed = TarBuilder()
        fixed.raw(Array("f".utf8), Array("x".utf8)) { $0[0] = UInt8(ascii: "g") }
        #expect(try Command.check("tar", ["-tf", "-"], input: fixed.finish()).output == "g\n")
        var gnu = TarBuilder()
        gnu.raw(Array("././@LongLink".utf8), type: "L", Array(Self.long.utf8) + [0]) { _ in }
        gnu.file("cut", [])
        #expect(try Command.check("tar", ["-tf", "-"], input: gnu.finish()).output == Self.long + "\n")
        var pax = TarBuilder()
        pax.pax([("path", Array("renamed".utf8))])
        pax.file("original", [])
        #expect(try Command.check("tar", ["-tf", "-"], input: pax.finish()).output == "renamed\n")
    }

    /// Rebuilds layers that the real kit wrote, and compares digests, so every byte of every header must agree.
    @Test(
        arguments: [
            ("plain-small", "dcaead6871080a35f4be80803b5a1d40059af16e32fd3b2cd2b1d5e7052495fa"),
            ("unicode-paths", "dc6b28f6c9a505436dd9def8224d5f8c1725c56abbc184c2a728950ed759eb2d"),
            ("unicode-paths", "16733effe7bf4f424c14de1d6149a8078976ebca94de5121d1988d897e306c95"),
        ])
    func layersOfTheRealKitAreRebuilt(layout: String, hex: String) throws {
        let directory = try TemporaryDirectory()
        try Command.check(
            "tar", ["-xpf", Fixtures.blob(layout, hex), "--no-same-owner", "-C", directory.path])
        // kit walks each directory in the order of its names. Sorting whole paths gives another order.
        let found = try TreeScan.scan(directory.path).dropFirst()
            .map { (entry: $0, parts: $0.path.split(separator: UInt8(ascii: "/")).map(Array.init)) }
            .sorted { left, right in
                left.parts.lexicographicallyPrecedes(right.parts) { $0.lexicographicallyPrecedes($1) }
            }
        var tar = TarBuilder()
        for (entry, _) in found {
            if entry.type == .directory {
                tar.directory(entry.path, mode: entry.mode)
            } else {
                tar.file(entry.path, try readFile(directory.path + "/" + entry.name), mode: entry.mode)
            }
        }
        #expect(Sha256.hex(tar.finish()) == hex)
    }
}
