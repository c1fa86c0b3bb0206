// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Tars that would harm a program that unpacks them. Each is refused with a reason, and other layers work.
@Suite struct HostileMemberTests {
    private typealias Hostile = (what: String, says: String, build: @Sendable (inout TarBuilder, _ top: String) -> Void)

    private static func size(_ digits: [UInt8]) -> @Sendable (inout TarBuilder, String) -> Void {
        { tar, top in
            tar.raw(Array("\(top)/x".utf8)) { $0.replaceSubrange(124..<124 + digits.count, with: digits) }
        }
    }

    private static func member(_ type: Character) -> @Sendable (inout TarBuilder, String) -> Void {
        { tar, top in tar.raw(Array("\(top)/x".utf8), type: type) { _ in } }
    }

    private static let tars: [Hostile] = [
        ("..", "leads out", { tar, _ in tar.file("../x", [1]) }),
        (".. inside", "leads out", { tar, top in tar.file("\(top)/../../x", [1]) }),
        ("absolute", "absolute", { tar, _ in tar.file("/etc/x", [1]) }),
        ("character device", "a device", member("3")),
        ("block device", "a device", member("4")),
        ("pipe", "a named pipe", member("6")),
        ("sparse", "sparse", member("S")),
        ("2^63-1 bytes", "x", size([0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7))),
        ("not octal", "size", size(Array("0000000000a\0".utf8))),
        ("negative", "size", size([UInt8](repeating: 0xff, count: 12))),
        (
            "PAX 2^63 bytes", "size",
            { tar, top in
                tar.pax([("size", Array("9223372036854775808".utf8))])
                tar.file("\(top)/x", [1])
            }
        ),
        (
            "a name of 256 bytes", "255 bytes",
            { tar, top in tar.file(top + "/" + String(repeating: "n", count: 256), []) }
        ),
        (
            "a file above a file", "directory in one place",
            { tar, top in
                tar.file("\(top)/x", [1])
                tar.file("\(top)/x/y", [1])
            }
        ),
        ("a link to nothing", "hard link", { tar, top in tar.hardLink("\(top)/x", to: "\(top)/y") }),
        ("noise", "checksum", { tar, _ in tar.append([UInt8](repeating: 0x37, count: 5000)) }),
        (
            "through a link", "directory in one place",
            { tar, top in
                tar.symlink("\(top)/x", to: "/etc")
                tar.file("\(top)/x/passwd", [1])
            }
        ),
    ]

    @Test(arguments: [nil, .gzip, .zstd] as [LayerCompression?])
    func eachIsRefusedAndOthersAreNot(_ compression: LayerCompression?) throws {
        let bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.docs, "good", raw: [1, 2, 3]))
        var hexes: [String] = []
        for (number, hostile) in Self.tars.enumerated() {
            var tar = TarBuilder()
            tar.directory("top\(number)")
            hostile.build(&tar, "top\(number)")
            var layer = KitBuilder.Layer(.dataset, "top\(number)", tar: tar.finish())
            layer.compression = compression
            kit.add(layer)
            hexes.append(Sha256.hex(try layer.blob))
        }
        try kit.write(tag: "v1", package: "hostile")
        let mount = try bench.mount("oci:\(layout):v1")
        for number in Self.tars.indices {
            #expect(mount.openError("top\(number)/x") == EIO, "\(Self.tars[number].what)")
            #expect(mount.openError("x") == ENOENT)
        }
        #expect(try mount.read("good") == [1, 2, 3])
        let log = try mount.log().split(separator: "\n")
        for (hostile, hex) in zip(Self.tars, hexes) {
            let lines = log.filter { $0.contains(hex) }
            #expect(lines.contains { $0.contains(hostile.says) }, "\(hostile.what): \(lines)")
            for part in ["layers", "partial", "trash"] {
                #expect(try bench.cachedFiles(below: part).allSatisfy { !$0.contains(hex) }, "\(hostile.what): \(part)")
            }
        }
        // The status is written once a second.
        try eventually(within: 10, "status tells why") {
            let status = try bench.kitfs("status", mount.path).split(separator: "\n")
            return Self.tars.indices.allSatisfy { number in
                status.contains { $0.contains(" top\(number) ") && $0.contains(Self.tars[number].says) }
            }
        }
        try mount.unmount()
    }
}
