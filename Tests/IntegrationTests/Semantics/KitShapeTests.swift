// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Kits of every age, maker and form, made in code. Each mount shows what unpacking gives.
@Suite struct KitShapeTests {
    private let bench: CommandFixture
    private let layout: String

    init() throws {
        bench = try CommandFixture()
        layout = try bench.directory.subdirectory("layout")
    }

    /// Writes the kit, mounts it, and compares the two trees; returns the mount.
    private func mount(_ kit: KitBuilder) throws -> Mount {
        try kit.write(tag: "v1", package: "made")
        let expected = try UnpackedKit(layout: layout, tag: "v1")
        #expect(expected.unusable.isEmpty)
        let mount = try bench.mount("oci:\(layout):v1")
        expectTree(try TreeScan.scan(mount.path), equals: expected.tree)
        return mount
    }

    private func tar(_ path: String, _ content: [UInt8] = [1, 2, 3]) -> [UInt8] {
        var tar = TarBuilder()
        let names = path.split(separator: "/")
        for count in 1..<max(1, names.count) { tar.directory(names.prefix(count).joined(separator: "/")) }
        tar.file(path, content, mode: 0o600)
        return tar.finish()
    }

    private static let forms: [(archive: KitBuilder.Layer.Archive, compression: LayerCompression?)] =
        KitBuilder.Layer.Archive.allCases.flatMap { archive in
            [nil, .gzip, .zstd].map { (archive, $0) }
        }

    /// The compressed layers have several gzip members or zstd frames.
    @Test(arguments: KitBuilder.Family.allCases, [true, false])
    func everyForm(_ family: KitBuilder.Family, _ hasKitfile: Bool) throws {
        var kit = KitBuilder(directory: layout)
        kit.family = family
        kit.hasKitfile = hasKitfile && family != .modelKit
        kit.hasMediaTypes = hasKitfile
        let large = (0..<(1 << 20) + 1).map { UInt8(truncatingIfNeeded: $0 / 512 * 7) }
        let kinds: [KitBuilder.Kind] = [.model, .modelpart, .code, .dataset, .docs, .modelpart]
        for (number, (kind, form)) in zip(kinds, Self.forms).enumerated() {
            // One layer of each form has a large file.
            let files = family == .modelKit ? [("large", large), ("small", [1])] : [("small", [UInt8(number)])]
            for (name, content) in kind == .model ? files.prefix(1) : files[...] {
                let path = "place\(number)/\(name).bin"
                var layer: KitBuilder.Layer =
                    form.archive == .tar ? .init(kind, path, tar: tar(path, content)) : .init(kind, path, raw: content)
                layer.compression = form.compression
                layer.pieces = 3
                layer.filepath = path
                layer.metadata = form.archive == .raw ? .init(mode: 0o750, size: content.count) : nil
                kit.add(layer)
            }
        }
        try mount(kit).unmount()
    }

    @Test func beforeDigests() throws {
        var kit = KitBuilder(directory: layout)
        kit.hasDigests = false
        kit.add(.init(.model, "./deep/er/model", tar: tar("model/weights")))
        kit.add(.init(.dataset, "a/one.csv", tar: tar("one.csv")))
        kit.add(.init(.dataset, "two.csv", tar: tar("two.csv")))
        kit.add(.init(.docs, ".", tar: tar("README.md")))
        let mount = try mount(kit)
        #expect(try mount.read("deep/er/model/weights") == [1, 2, 3])
        try mount.unmount()
    }

    /// A raw layer's path is in its annotation, or else in its element.
    @Test func rawPaths() throws {
        var kit = KitBuilder(directory: layout)
        var annotated = KitBuilder.Layer(.model, "model.bin", raw: [1])
        annotated.filepath = "weights/model.bin"
        kit.add(annotated)
        kit.add(.init(.modelpart, "./parts/one.bin", raw: [2]))
        kit.add(.init(.docs, "EMPTY", raw: []))
        let mount = try mount(kit)
        #expect(try mount.read("weights/model.bin") == [1])
        #expect(try mount.read("parts/one.bin") == [2])
        try mount.unmount()
    }

    /// Prompts, MCP bundles, datasets that are stored elsewhere, and unknown keys.
    @Test func newerElements() throws {
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.code, "main.py", tar: tar("main.py")))
        kit.add(.init(.prompt, "prompts/system.md", tar: tar("prompts/system.md")))
        kit.add(.init(.mcpServer, "servers/tools.mcpb", raw: [9, 9]))
        kit.addElement(
            .dataset, ["name": "elsewhere", "remotePath": "s3://bucket/rows", "remoteHash": "sha256:0a1b2c"])
        kit.add(.init(.dataset, "here.csv", tar: tar("here.csv")))
        kit.kitfileKeys = ["x-later": ["nested": ["kept", 1, true, nil]]]
        let mount = try mount(kit)
        #expect(try mount.read("servers/tools.mcpb") == [9, 9])
        let kitfile = String(decoding: try mount.read("Kitfile"), as: UTF8.self)
        for text in ["x-later", "kept", "remotePath: s3://bucket/rows", "prompts:", "mcpServers:"] {
            #expect(kitfile.contains(text), "\(kitfile)")
        }
        #expect(!kitfile.contains("digest:") && !kitfile.contains("diffId:"), "\(kitfile)")
        let inspected = try bench.kitfs("inspect", "oci:\(layout):v1")
        #expect(inspected.contains("s3://bucket/rows"), "\(inspected)")
        try mount.unmount()
    }

    @Test func indexes() throws {
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.docs, "README.md", tar: tar("README.md")))
        try kit.write(tag: "one", package: "one")
        kit.add(.init(.code, "x.py", tar: tar("x.py")))
        try kit.write(tag: "two", package: "two")
        let index = OCILayout(directory: layout)
        try index.addIndex(of: ["one"], as: "single")
        try index.addIndex(of: ["one", "two"], as: "several")
        try index.addIndex(of: [], as: "none")
        let mount = try bench.mount("oci:\(layout):single")
        #expect(try mount.read("README.md") == [1, 2, 3])
        try mount.unmount()
        for (tag, hex) in [("several", try index.descriptor(of: "two").hex), ("none", "")] {
            let (code, message) = try bench.failure("inspect", "oci:\(layout):\(tag)")
            #expect(code == 6)
            #expect(message.contains(hex), "what to ask for: \(message)")
        }
    }
}
