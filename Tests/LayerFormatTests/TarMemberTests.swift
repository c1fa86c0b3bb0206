// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

/// Members written by kit and tar(1).
@Suite struct TarMemberTests {
    @Test func filesAndDirectories() throws {
        var tar = TarBuilder()
        tar.directory("model", mode: 0o755)
        tar.file("model/weights", [UInt8](repeating: 7, count: 513), mode: 0o4751)
        tar.file("model/empty", [], mode: 0o600)
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == ["model", "model/weights", "model/empty"])
        #expect(members.map(\.kind) == [.directory, .file, .file])
        #expect(members.map(\.mode) == [0o755, 0o4751, 0o600])
        #expect(members.map(\.size) == [0, 513, 0])
        #expect(members.map(\.modified) == [0, 0, 0])
        #expect(members.map(\.headerOffset) == [0, 512, 2048])
        #expect(members.map(\.contentOffset) == [512, 1024, 2560])
        #expect(members[1].content(in: tar.finish()).allSatisfy { $0 == 7 })
    }

    @Test func linksKeepTheirTargets() throws {
        var tar = TarBuilder()
        tar.file("a", [1, 2, 3])
        tar.symlink("s", to: "../x/./a")
        tar.hardLink("h", to: "./a")
        tar.symlink("é", to: String(repeating: "t", count: 150))
        // A hard link of another tool may state the size of its target, and has no content.
        tar.raw(Array("g".utf8), type: "1") { header in
            header.replaceSubrange(124..<136, with: "00000000003\0".utf8)
            header.replaceSubrange(157..<158, with: "a".utf8)
        }
        tar.file("last", [4])
        let members = try TarReading.members(tar.finish())
        #expect(
            members.map(\.kind) == [
                .file, .symbolicLink(Array("../x/./a".utf8)), .hardLink(Array("./a".utf8)),
                .symbolicLink([UInt8](repeating: 116, count: 150)), .hardLink([97]), .file,
            ])
        #expect(members.map(\.size) == [3, 0, 0, 0, 0, 1])
        #expect(members.last?.content(in: tar.finish()) == [4])
    }

    @Test func namesStandAsTheyAreSpelt() throws {
        var tar = TarBuilder()
        tar.directory("./")
        tar.directory("./a/")
        tar.file("./a//b", [1])
        tar.file(Array("a/".utf8) + [0xff, 0xfe], [2])
        tar.file("caf\u{e9}", [])
        tar.file("cafe\u{301}", [])
        let members = try TarReading.members(tar.finish())
        #expect(
            members.map(\.path) == [
                Array("./".utf8), Array("./a/".utf8), Array("./a//b".utf8), [97, 47, 0xff, 0xfe],
                [99, 97, 102, 0xc3, 0xa9], [99, 97, 102, 101, 0xcc, 0x81],
            ])
        #expect(members.map(\.kind) == [.directory, .directory, .file, .file, .file, .file])
    }

    @Test func beforePOSIXASlashMadeADirectory() throws {
        var tar = TarBuilder()
        tar.raw(Array("old/".utf8), type: "0") { $0[156] = 0 }
        tar.raw(Array("old/f".utf8), type: "0", [1]) { $0[156] = 0 }
        // GNU's "ustar  " has no prefix there, but times.
        tar.raw(Array("gnu".utf8), type: "7", [2]) { header in
            header.replaceSubrange(257..<265, with: "ustar  \0".utf8)
            header.replaceSubrange(345..<356, with: "14371573016".utf8)
        }
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == ["old/", "old/f", "gnu"])
        #expect(members.map(\.kind) == [.directory, .file, .file])
    }

    @Test func numbersInBase256() throws {
        var tar = TarBuilder()
        tar.raw(Array("f".utf8), [UInt8](repeating: 1, count: 600)) { header in
            header.replaceSubrange(124..<136, with: [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x58])
            header.replaceSubrange(136..<148, with: [0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5])
        }
        tar.file("g", [])
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == ["f", "g"])
        #expect(members.first?.size == 600)
        #expect(members.first?.modified == 0x1_0000_0005)
    }

    @Test func numbersWithSpacesAndWithout() throws {
        var tar = TarBuilder()
        for (name, size) in [("a", " 3 \0\0\0\0\0\0\0\0\0"), ("b", "000000000003"), ("c", "3\0          ")] {
            tar.raw(Array(name.utf8), [1, 2, 3]) { $0.replaceSubrange(124..<136, with: size.utf8) }
        }
        tar.raw(Array("d".utf8)) { $0.replaceSubrange(136..<148, with: [UInt8](repeating: 0, count: 12)) }
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.size) == [3, 3, 3, 0])
    }

    @Test func checksumsOfOldTarsSummedSignedBytes() throws {
        var tar = TarBuilder()
        var signed = 0
        tar.raw([], fixChecksum: false) { header in
            header.replaceSubrange(0..<3, with: [0xe9, 0xff, 0x61])
            for (index, byte) in header.enumerated() {
                signed += (148..<156).contains(index) ? 32 : Int(Int8(bitPattern: byte))
            }
            let digits = Array(String(signed, radix: 8).utf8)
            let zeros = [UInt8](repeating: 48, count: 6 - digits.count)
            header.replaceSubrange(148..<156, with: zeros + digits + [0, 32])
        }
        #expect(try TarReading.members(tar.finish()).map(\.path) == [[0xe9, 0xff, 0x61]])
    }
}
