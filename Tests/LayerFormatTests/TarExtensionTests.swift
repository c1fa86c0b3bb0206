// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

@Suite struct TarExtensionTests {
    private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

    @Test func mangledNamesDoNotCollide() throws {
        var tar = TarBuilder()
        tar.file("日本語.txt", [1])
        tar.file("中文.txt", [2])
        let bytes = tar.finish()
        // Both real headers have ".txt". The names are only in the records.
        #expect(bytes[1024..<1029].elementsEqual(text(".txt\0")))
        #expect(bytes[3072..<3077].elementsEqual(text(".txt\0")))
        let members = try TarReading.members(bytes)
        #expect(members.map(\.name) == ["日本語.txt", "中文.txt"])
        #expect(members.map(\.headerOffset) == [0, 2048])
        #expect(members.map(\.contentOffset) == [1536, 3584])
        #expect(members.map { $0.content(in: bytes) } == [[1], [2]])
    }

    @Test func longNames() throws {
        let split = String(repeating: "d", count: 100) + "/" + String(repeating: "n", count: 100)
        let pax = String(repeating: "p/", count: 2000) + "f"
        var tar = TarBuilder()
        tar.file(split, [])
        tar.file(pax, [])
        #expect(try TarReading.members(tar.finish()).map(\.name) == [split, pax])
    }

    @Test func sizeOf8GiBAndMoreIsInARecord() throws {
        var tar = TarBuilder()
        tar.pax([("size", text("10000000000"))])
        tar.raw(text("big")) { $0.replaceSubrange(124..<136, with: "00000000000\0".utf8) }
        // Only headers are read; the content is missing.
        var parser = TarParser(length: nil)
        #expect(try parser.consume(Array(tar.bytes[0..<512])) == nil)
        #expect(try parser.consume(Array(tar.bytes[512..<1024])) == nil)
        let member = try parser.consume(Array(tar.bytes[1024..<1536]))
        #expect(member?.size == 10_000_000_000)
        #expect(parser.offset == 1536 + 10_000_000_000)  // 19,531,250 blocks
        #expect(parser.wanted == 512)
    }

    @Test func sizeInARecordBeatsTheHeader() throws {
        var tar = TarBuilder()
        tar.pax([("size", text("600"))])
        tar.raw(text("f"), [UInt8](repeating: 1, count: 600)) {
            $0.replaceSubrange(124..<136, with: "00000000000\0".utf8)
        }
        tar.file("g", [])
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == ["f", "g"])
        #expect(members.map(\.size) == [600, 0])
    }

    @Test func recordsAreForOneMemberGlobalOnesForAll() throws {
        var tar = TarBuilder()
        tar.raw(text("global"), type: "g", text("20 mtime=1234567890\n")) { _ in }
        tar.file("a", [])
        tar.pax([("mtime", text("1600000000.999")), ("path", text("b=1\n2"))])
        tar.file("x", [])
        tar.pax([("mtime", text("-5")), ("comment", text("é")), ("linkpath", text("target"))])
        tar.symlink("c", to: "x")
        tar.file("d", [])
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == ["a", "b=1\n2", "c", "d"])
        #expect(members.map(\.modified) == [1_234_567_890, 1_600_000_000, 0, 1_234_567_890])
        #expect(members[2].kind == .symbolicLink(text("target")))
    }

    /// POSIX: a record of zero length deletes an earlier one.
    @Test func anEmptyValueTakesBack() throws {
        var tar = TarBuilder()
        tar.raw(text("global"), type: "g", text("14 path=a/b/c\n20 mtime=1234567890\n")) { _ in }
        tar.pax([("path", []), ("size", []), ("mtime", []), ("linkpath", [])])
        tar.file("own", [1, 2])
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == ["own"])
        #expect(members.map(\.size) == [2])
        #expect(members.map(\.modified) == [0])
    }

    @Test func longNamesOfGNU() throws {
        let name = String(repeating: "long/", count: 100) + "é"
        let target = String(repeating: "target/", count: 100)
        var tar = TarBuilder()
        tar.raw(text("././@LongLink"), type: "K", text(target + "\0")) { _ in }
        tar.raw(text("././@LongLink"), type: "L", text(name + "\0")) { _ in }
        tar.symlink(String(name.prefix(100)), to: String(target.prefix(100)))
        tar.file("after", [])
        let members = try TarReading.members(tar.finish())
        #expect(members.map(\.name) == [name, "after"])
        #expect(members.first?.kind == .symbolicLink(text(target)))
        #expect(members.first?.headerOffset == 0)
    }

    @Test(arguments: [
        "x", "0 path=a\n", "99 path=a\n", "11 path=abc\n", "9 path=a\nx", "8 path=ab\n", "7 path\n",
        "a path=b\n", "-9 path=b\n", " path=b\n", "9 path=bc", "99999999999999999999 path=a\n",
        "18446744073709551615 path=a\n", "9223372036854775807 path=a\n", "10 size=x\n", "11 size=-1\n",
        "28 size=9223372036854775808\n", "29 size=99999999999999999999\n", "10 path=ab\nx",
    ]) func badRecords(_ records: String) {
        var tar = TarBuilder()
        tar.raw(text("x"), type: "x", text(records)) { _ in }
        tar.file("f", [])
        let error = #expect(throws: TarError.self) { try TarReading.list(tar.finish()) }
        guard case .badExtension(_, let offset)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(offset == 512)
    }
}
