// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A kit's false claims about a blob do not harm another kit with the same blob.
@Suite struct SameBlobTests {
    /// One blob, declared in each form. `.tar` is a false claim.
    @Test(arguments: [["tar+gzip", "tar", "raw", "raw+gzip"], ["raw+gzip", "raw", "tar", "tar+gzip"]])
    func inSeveralForms(_ forms: [String]) throws {
        let bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var tar = TarBuilder()
        tar.file("data", [7, 7, 7])
        let content = tar.finish()
        let blob = try LayerCompression.gzip.compress(content)
        var digests: Set<String> = []
        for (number, form) in forms.enumerated() {
            let isCompressed = form.hasSuffix("gzip")
            let bytes = isCompressed ? content : blob
            var layer: KitBuilder.Layer =
                form.hasPrefix("tar") ? .init(.dataset, "data", tar: bytes) : .init(.dataset, "data", raw: bytes)
            layer.compression = isCompressed ? .gzip : nil
            var kit = KitBuilder(directory: layout)
            kit.add(layer)
            digests.formUnion(try kit.write(tag: "k\(number)", package: form).layerHexes)
        }
        #expect(digests.count == 1)
        for _ in 0..<2 {
            let mounts = try forms.indices.map { try bench.mount("oci:\(layout):k\($0)") }
            for (form, mount) in zip(forms, mounts) {
                switch form {
                case "tar": #expect(mount.openError("data") == EIO)
                case "tar+gzip": #expect(try mount.read("data") == [7, 7, 7])
                case "raw": #expect(try mount.read("data") == blob)
                default: #expect(try mount.read("data") == content)
                }
            }
            for mount in mounts { try mount.unmount() }
        }
    }

    /// The declared size is smaller or larger than the blob.
    @Test(arguments: [nil, .gzip, .zstd] as [LayerCompression?], [-513, -1, 1, 512, 1 << 20])
    func ofAnotherSize(_ compression: LayerCompression?, _ difference: Int) throws {
        let bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var tar = TarBuilder()
        tar.file("data/x", (0..<5000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) })
        var layer = KitBuilder.Layer(.dataset, "data", tar: tar.finish())
        layer.compression = compression
        layer.claimedSize = try layer.blob.count + difference
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.docs, "good", raw: [1, 2, 3]))
        kit.add(layer)
        try kit.write(tag: "wrong", package: "x")
        let wrong = try bench.mount("oci:\(layout):wrong")
        #expect(wrong.openError("data/x") == EIO)
        #expect(try wrong.read("good") == [1, 2, 3])
        let hex = Sha256.hex(try layer.blob)
        #expect(try wrong.log().contains(hex))
        for part in ["layers", "partial", "trash"] {
            #expect(try bench.cachedFiles(below: part).allSatisfy { !$0.contains(hex) })
        }
        try wrong.unmount()
    }

    /// The layer that puts a file at the path of a directory, or a directory at the path of a file, is unusable. The
    /// other layers are not.
    @Test(arguments: [true, false]) func aFileAgainstADirectory(_ directoryFirst: Bool) throws {
        var flat = TarBuilder()
        flat.file("data/x", [1])
        flat.file("data/flat", [2])
        var deep = TarBuilder()
        deep.file("data/x/y", [3])
        deep.file("data/deep", [4])
        let bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        let tars = directoryFirst ? [deep, flat] : [flat, deep]
        for (kind, tar) in zip([KitBuilder.Kind.code, .dataset], tars) {
            kit.add(.init(kind, "data", tar: tar.finish()))
        }
        kit.add(.init(.docs, "data/good", raw: [5]))
        try kit.write(tag: "v1", package: "x")
        let mount = try bench.mount("oci:\(layout):v1")
        #expect(try mount.read("data/good") == [5])
        #expect(try mount.read(directoryFirst ? "data/x/y" : "data/x") == [directoryFirst ? 3 : 1])
        #expect(try mount.read(directoryFirst ? "data/deep" : "data/flat") == [directoryFirst ? 4 : 2])
        #expect([EIO, ENOENT].contains(mount.openError(directoryFirst ? "data/flat" : "data/deep")))
        #expect(try mount.log().contains(Sha256.hex(tars[1].finish())))
        try mount.unmount()
    }

    /// The mode of a directory above a layer comes from the first usable layer.
    @Test func modesOfAnUnusableLayerDoNotCount() throws {
        let bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var bad = TarBuilder()
        bad.directory("data", mode: 0o700)
        bad.file("data/x", [1])
        bad.file("data/beside", [1])
        var good = TarBuilder()
        good.directory("data", mode: 0o755)
        good.file("data/y", [2])
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.code, "data/x", tar: bad.finish()))
        kit.add(.init(.docs, "data/y", tar: good.finish()))
        try kit.write(tag: "v1", package: "x")
        let mount = try bench.mount("oci:\(layout):v1")
        #expect(mount.openError("data/x") == EIO)
        #expect(try mount.read("data/y") == [2])
        expectTree(
            try TreeScan.scanWhatCanBeRead(mount.path).entries, equals: try UnpackedKit(layout: layout, tag: "v1").tree)
        try mount.unmount()
    }
}
