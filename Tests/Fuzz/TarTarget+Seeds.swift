// SPDX-License-Identifier: Apache-2.0
import TestSupport

extension TarReadings {
    /// Seeds that the fixtures lack: other dialects, links, large members, false claims.
    static var seeds: [[UInt8]] {
        var links = TarBuilder()
        links.directory("d")
        links.file("d/f", [1, 2, 3])
        links.symlink("d/s", to: "f")
        links.hardLink("h", to: "d/f")

        var names = TarBuilder()
        names.file([0xff, 0xfe], [])
        names.file("日本語.txt", [1])
        names.pax([("path", Array("x/y/z".utf8)), ("mtime", Array("1.5".utf8)), ("size", Array("3".utf8))])
        names.raw(Array("f".utf8), [1, 2, 3]) { _ in }
        names.raw(Array("././@LongLink".utf8), type: "L", Array("long/name\0".utf8)) { _ in }
        names.raw(Array("n".utf8), []) { _ in }
        names.raw(Array("././@LongLink".utf8), type: "K", Array("f\0".utf8)) { _ in }
        names.symlink("k", to: "x")
        names.raw(Array("pax".utf8), type: "g", Array("9 path=a\n".utf8)) { _ in }
        names.file("b", [])

        var numbers = TarBuilder()
        numbers.raw(Array("./base256".utf8), [7]) { header in
            header.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0, count: 10) + [1])
        }
        numbers.raw(Array("old/".utf8), []) { $0.replaceSubrange(257..<265, with: [UInt8](repeating: 0, count: 8)) }
        numbers.raw(Array("huge".utf8), []) { header in
            header.replaceSubrange(124..<136, with: Array("77777777777\0".utf8))
        }

        var large = TarBuilder()
        large.file("large", [UInt8](repeating: 0, count: 1 << 20))
        return [links.finish(), names.finish(), numbers.finish(), large.finish(), TarBuilder().finish(), []]
    }
}
