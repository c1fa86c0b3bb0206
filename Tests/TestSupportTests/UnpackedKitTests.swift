// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import TestSupport

/// The plain unpacker and `kit unpack` give the same tree for real kits.
@Suite struct UnpackedKitTests {
    @Test(arguments: [
        ("plain-small", "v1", "plain-small"), ("gzip", "v1", "gzip"), ("unicode-paths", "v1", "unicode-paths"),
        ("sharing", "v1", "sharing-v1"), ("sharing", "v2", "sharing-v2"), ("shared-parent", "v1", "shared-parent"),
        ("child", "v1", "child"),
    ]) func realKits(_ layout: String, _ tag: String, _ truth: String) throws {
        let parent = (layout: Fixtures.layout("plain-small"), tag: "v1")
        let unpacked = try UnpackedKit(
            layout: Fixtures.layout(layout), tag: tag, parents: ["127.0.0.1:5055/plain-small:v1": parent])
        let expected = try Fixtures.truth(truth).map { entry in
            var entry = entry
            entry.mode &= 0o555
            if entry.name == "Kitfile" { (entry.size, entry.sha256) = (nil, nil) }
            return entry
        }
        #expect(TreeScan.differences(unpacked.tree, from: expected) == [])
        #expect(unpacked.unusable.isEmpty)
    }

    private func unpack(_ layers: KitBuilder.Layer..., family: KitBuilder.Family = .modelKit) throws -> UnpackedKit {
        let directory = try TemporaryDirectory()
        var kit = KitBuilder(directory: directory.path)
        kit.family = family
        layers.forEach { kit.add($0) }
        try kit.write(tag: "v1", package: "made")
        return try UnpackedKit(layout: directory.path, tag: "v1")
    }

    private func tar(_ build: (inout TarBuilder) -> Void) -> [UInt8] {
        var tar = TarBuilder()
        build(&tar)
        return tar.finish()
    }

    @Test func laterFilesAndFirstDirectoriesCount() throws {
        let first = tar {
            $0.directory("data", mode: 0o700)
            $0.file("data/x", [1])
        }
        let second = tar {
            $0.directory("data", mode: 0o755)
            $0.file("data/x", [2, 2], mode: 0o4600)
            $0.hardLink("data/y", to: "data/x")
            $0.symlink("data/z", to: "y")
        }
        let kit = try unpack(.init(.code, "data", tar: first), .init(.docs, "./data/", tar: second))
        #expect(
            kit.tree.map { "\($0.type.rawValue) \(String($0.mode, radix: 8)) \($0.name) \($0.size ?? -1)" } == [
                "d 555 . -1", "f 444 Kitfile -1", "d 500 data -1", "f 400 data/x 2", "f 400 data/y 2", "l 777 data/z 1",
            ])
    }

    @Test func whatIsUnusable() throws {
        let tars = [
            tar { $0.file("../x", [1]) }, tar { $0.file("/x", [1]) }, tar { $0.file("beside", [1]) },
            tar { $0.raw(Array("data/p".utf8), type: "6") { _ in } }, Array(tar { $0.file("data/x", [1]) }.prefix(512)),
            tar { $0.hardLink("data/x", to: "data/y") }, tar { $0.file("data", [1]) },
            tar { $0.file("data/" + String(repeating: "n", count: 256), [1]) },
        ]
        let good = tar { $0.file("data/good", [1]) }
        for bad in tars {
            let kit = try unpack(.init(.code, "data", tar: good), .init(.docs, "data", tar: bad))
            #expect(kit.unusable.map(\.hex) == [Sha256.hex(bad)])
            #expect(kit.tree.map(\.name) == [".", "Kitfile", "data", "data/good"])
        }
    }

    @Test(arguments: KitBuilder.Family.allCases) func formsAndFamilies(_ family: KitBuilder.Family) throws {
        var layers: [KitBuilder.Layer] = []
        for compression in [nil, .gzip, .zstd] as [LayerCompression?] {
            let name = compression?.rawValue ?? "plain"
            var packed = KitBuilder.Layer(.dataset, name, tar: tar { $0.file("\(name)/x", Array(name.utf8)) })
            packed.compression = compression
            packed.pieces = 3
            packed.filepath = name
            var raw = KitBuilder.Layer(.model, "\(name).bin", raw: Array(name.utf8))
            raw.compression = compression
            raw.filepath = "raw/\(name).bin"
            raw.metadata = .init(mode: 0o640, size: name.utf8.count)
            layers += [packed, raw]
        }
        let directory = try TemporaryDirectory()
        var kit = KitBuilder(directory: directory.path)
        kit.family = family
        layers.forEach { kit.add($0) }
        try kit.write(tag: "v1", package: "made")
        let unpacked = try UnpackedKit(layout: directory.path, tag: "v1")
        #expect(unpacked.unusable.isEmpty)
        #expect(
            unpacked.tree.filter { $0.name != "Kitfile" }.map { "\($0.name) \($0.size ?? 0)" } == [
                ". 0", "gzip 0", "gzip/x 4", "plain 0", "plain/x 5", "raw 0", "raw/gzip.bin 4", "raw/plain.bin 5",
                "raw/zstd.bin 4", "zstd 0", "zstd/x 4",
            ])
        #expect(unpacked.tree.first { $0.name == "raw/zstd.bin" }?.sha256 == Sha256.hex(Array("zstd".utf8)))
        #expect(unpacked.tree.contains { $0.name == "Kitfile" })
    }

    @Test func oldKitsAndPrompts() throws {
        let directory = try TemporaryDirectory()
        var kit = KitBuilder(directory: directory.path)
        kit.hasDigests = false
        kit.add(.init(.dataset, "deep/er/data", tar: tar { $0.file("data/x", [1]) }))
        kit.add(.init(.prompt, "p/prompt.txt", tar: tar { $0.file("prompt.txt", [1]) }))
        kit.add(.init(.code, "main.py", tar: tar { $0.file("main.py", [1]) }))
        kit.addElement(.dataset, ["name": "elsewhere", "remotePath": "s3://bucket/x", "remoteHash": "abc"])
        try kit.write(tag: "v1", package: "old")
        let unpacked = try UnpackedKit(layout: directory.path, tag: "v1")
        #expect(unpacked.unusable.isEmpty)
        #expect(
            unpacked.tree.map(\.name) == [
                ".", "Kitfile", "deep", "deep/er", "deep/er/data", "deep/er/data/x", "main.py", "p", "p/prompt.txt",
            ])
    }
}
