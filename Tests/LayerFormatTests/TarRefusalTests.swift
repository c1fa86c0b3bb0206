// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

/// Tars that are refused.
@Suite struct TarRefusalTests {
    private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

    private func error(_ tar: TarBuilder) -> TarError? {
        let bytes = tar.finish()
        let listed = #expect(throws: TarError.self) { try TarReading.list(bytes) }
        let followed = #expect(throws: TarError.self) { try TarReading.follow(bytes, piece: 100) }
        #expect(listed == followed)
        return listed
    }

    @Test(
        arguments: [
            ("3", "a device"), ("4", "a device"), ("6", "a named pipe"), ("S", "a sparse file in GNU's old format"),
            ("V", "a member of type “V”"), ("D", "a member of type “D”"), ("M", "a member of type “M”"),
            ("X", "a member of type “X”"),
        ] as [(Character, String)]) func typesThatAKitCannotHave(_ type: Character, _ what: String)
    {
        var tar = TarBuilder()
        tar.directory("d")
        tar.raw(text("d/it"), type: type) { _ in }
        #expect(error(tar) == .unsupported(what: what, path: "d/it", offset: 512))
    }

    @Test(arguments: ["GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.name"])
    func sparseFiles(_ key: String) {
        var tar = TarBuilder()
        tar.pax([(key, text("1"))])
        tar.file("holes", [1])
        #expect(error(tar) == .unsupported(what: "a sparse file", path: "holes", offset: 1024))
    }

    @Test(arguments: [0, 99, 156, 300, 511]) func oneByteChanged(_ index: Int) {
        var tar = TarBuilder()
        tar.file("ok", [1])
        tar.raw(text("f"), fixChecksum: false) { $0[index] ^= 0x40 }
        #expect(error(tar) == .badChecksum(offset: 1024))
    }

    @Test func checksumThatIsNone() {
        var tar = TarBuilder()
        tar.raw(text("f"), fixChecksum: false) { $0.replaceSubrange(148..<156, with: "01x4567\0".utf8) }
        #expect(error(tar) == .badNumber(field: "checksum", offset: 0))
    }

    @Test(arguments: [
        (100, "mode", "0000648\0"), (100, "mode", "-000644\0"), (100, "mode", "0x00644\0"), (100, "mode", "06 4400\0"),
        (124, "size", "0000000000a\0"), (124, "size", "00000000-01\0"), (124, "size", "123 456    \0"),
        (136, "mtime", "9999999999z\0"),
    ]) func digitsThatAreNone(_ offset: Int, _ field: String, _ digits: String) {
        var tar = TarBuilder()
        tar.raw(text("f")) { $0.replaceSubrange(offset..<(offset + digits.utf8.count), with: digits.utf8) }
        #expect(error(tar) == .badNumber(field: field, offset: 0))
    }

    @Test(
        arguments: [
            [0xff] + [UInt8](repeating: 0xff, count: 11),  // -1
            [0x80, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],  // over 64 bits
            [0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0],  // 2^63
            [0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] as [[UInt8]]) func base256ThatIsTooMuch(_ field: [UInt8])
    {
        var tar = TarBuilder()
        tar.raw(text("f")) { $0.replaceSubrange(124..<136, with: field) }
        #expect(error(tar) == .badNumber(field: "size", offset: 0))
    }

    @Test func membersBeyondTheEnd() {
        var tar = TarBuilder()
        tar.raw(text("f")) { $0.replaceSubrange(124..<136, with: "00000003001\0".utf8) }  // 1537 bytes of 1536
        let bytes = tar.finish()
        #expect(throws: TarError.tooLong(path: "f", offset: 0)) { try TarReading.list(bytes) }
        #expect(throws: TarError.truncated(offset: 1536)) { try TarReading.follow(bytes, piece: 100) }
    }

    @Test(arguments: ["x", "g", "L", "K"] as [Character]) func extensionsThatClaimTooMuch(_ type: Character) {
        for size in ["00004000001\0", "77777777777\0"] {  // 1 MiB and a byte, 8 GiB
            var tar = TarBuilder()
            tar.raw(text("x"), type: type) { $0.replaceSubrange(124..<136, with: size.utf8) }
            guard case .badExtension(_, 0)? = error(tar) else {
                Issue.record("\(type) \(size)")
                return
            }
        }
    }

    @Test func anExtensionNeedsAMember() {
        var tar = TarBuilder()
        tar.pax([("path", text("a"))])
        #expect(error(tar) == .badExtension(reason: "an extension stands before the end", offset: 1024))
        #expect(throws: TarError.truncated(offset: 1024)) { try TarReading.list(tar.bytes) }
        #expect(throws: TarError.truncated(offset: 1024)) { try TarReading.follow(tar.bytes, piece: 512) }
    }
}
