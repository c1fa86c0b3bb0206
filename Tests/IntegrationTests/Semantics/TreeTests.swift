// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// The mounted tree is the one that `kit unpack` writes: paths as bytes, types, modes, sizes and content.
@Suite struct TreeTests {
    static let kits = [
        ("plain-small", "v1", "plain-small"), ("gzip", "v1", "gzip"), ("unicode-paths", "v1", "unicode-paths"),
        ("sharing", "v1", "sharing-v1"), ("sharing", "v2", "sharing-v2"), ("shared-parent", "v1", "shared-parent"),
    ]

    @Test(arguments: kits) func fromLayout(_ layout: String, _ tag: String, _ truth: String) throws {
        let bench = try CommandFixture()
        let mount = try bench.mount("oci:\(Fixtures.layout(layout)):\(tag)")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth(truth))
        try mount.unmount()
    }

    @Test func fromRegistry() throws {
        let registry = try DockerRegistry()
        let bench = try CommandFixture()
        for (layout, tag, truth) in Self.kits {
            try registry.push(layout: Fixtures.layout(layout), tag: tag, to: "team/\(layout):\(tag)")
            let mount = try bench.mount("\(registry.host)/team/\(layout):\(tag)")
            expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth(truth))
            try mount.unmount()
        }
    }

    /// A second scan, with the layers cached, shows the same.
    @Test func twice() throws {
        let bench = try CommandFixture()
        let reference = "oci:\(Fixtures.layout("unicode-paths")):v1"
        let first = try bench.mount(reference)
        let tree = try TreeScan.scan(first.path)
        try first.unmount()
        let second = try bench.mount(reference)
        #expect(try TreeScan.scan(second.path) == tree)
        try second.unmount()
    }

    /// The child's own layers are shown, and of its parent only the model and its parts.
    @Test func childWithParent() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "plain-small:v1")
        let bench = try CommandFixture()
        var kit = KitBuilder(directory: try bench.directory.subdirectory("child"))
        kit.modelReference = "\(registry.host)/plain-small:v1"
        var tar = TarBuilder()
        tar.directory("lora")
        tar.file("lora/adapter.bin", [1, 2, 3])
        try kit.addLayer(kind: .modelpart, path: "lora/adapter.bin", tar: tar.finish())
        _ = try kit.write(tag: "v1", package: "child")
        let mount = try bench.mount("oci:\(bench.directory.path)/child:v1")
        let names = try TreeScan.scan(mount.path).map(\.name)
        #expect(
            names == [
                ".", "Kitfile", "lora", "lora/adapter.bin", "model", "model/tokenizer.json",
                "model/weights.safetensors",
            ])
        #expect(try mount.read("model/weights.safetensors").count == 2_097_152)
        try mount.unmount()
    }

    /// Shows that the comparison finds differences. Otherwise the tests above could pass without comparing anything but
    /// names.
    @Test func aDifferenceIsSeen() throws {
        let truth = try Fixtures.truth("plain-small")
        var other = truth
        other[2].sha256 = String(repeating: "0", count: 64)
        #expect(TreeScan.differences(other, from: truth).count == 1)
    }
}
