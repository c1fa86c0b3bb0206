// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import TestSupport

@Suite struct KitBuilderTests {
    private func tar(_ path: String) -> [UInt8] {
        var tar = TarBuilder()
        tar.file(path, Array(path.utf8))
        return tar.finish()
    }

    private func json(_ path: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(try readFile(path))) as? [String: Any])
    }

    @Test func skopeoAcceptsTheLayout() throws {
        let directory = try TemporaryDirectory()
        let layout = directory.path + "/layout"
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(kind: .docs, path: "./README.md", tar: tar("README.md"))
        try kit.addLayer(kind: .dataset, path: "data", tar: tar("data/a"), compression: .gzip, name: "train")
        try kit.addLayer(kind: .modelpart, path: "model/part", tar: tar("model/part"), name: "part")
        try kit.addLayer(kind: .model, path: "model/x", tar: tar("model/x"), name: "x")
        try kit.addLayer(kind: .code, path: "src/", tar: tar("src/a.py"))
        let written = try kit.write(tag: "v1", package: "demo")
        #expect(written.layerHexes.count == 5)

        let raw = try Command.check("skopeo", ["inspect", "--raw", "oci:\(layout):v1"])
        #expect(Sha256.hex(raw.stdout) == written.manifestHex)
        try Command.check(
            "skopeo",
            ["--insecure-policy", "copy", "--preserve-digests", "oci:\(layout):v1", "oci:\(directory.path)/copy:v1"])

        let blobs = layout + "/blobs/sha256/"
        let manifest = try json(blobs + written.manifestHex)
        #expect(Set(manifest.keys) == ["schemaVersion", "config", "layers"])
        let layers = try #require(manifest["layers"] as? [[String: Any]])
        #expect(
            layers.compactMap { ($0["mediaType"] as? String)?.dropFirst("application/vnd.kitops.modelkit.".count) } == [
                "model.v1.tar", "modelpart.v1.tar", "code.v1.tar", "dataset.v1.tar+gzip", "docs.v1.tar",
            ])
        let configDigest = try #require((manifest["config"] as? [String: Any])?["digest"] as? String)
        let config = try json(blobs + configDigest.dropFirst("sha256:".count))
        let model = try #require(config["model"] as? [String: Any])
        #expect(model["digest"] as? String == "sha256:" + written.layerHexes[0])
        #expect((model["parts"] as? [[String: Any]])?.count == 1)
        let dataset = try #require((config["datasets"] as? [[String: Any]])?.first)
        #expect(dataset["digest"] as? String == "sha256:" + written.layerHexes[3])
        #expect(dataset["diffId"] as? String == "sha256:" + Sha256.hex(tar("data/a")))
        let unpacked = try Command.check("gzip", ["-dc"], input: readFile(blobs + written.layerHexes[3]))
        #expect(unpacked.stdout == tar("data/a"))
    }

    @Test func tagsShareALayout() throws {
        let directory = try TemporaryDirectory()
        var first = KitBuilder(directory: directory.path)
        try first.addLayer(kind: .model, path: "m", tar: tar("m"))
        let one = try first.write(tag: "v1", package: "demo")
        #expect(try first.write(tag: "v1", package: "demo").manifestHex == one.manifestHex)
        var child = KitBuilder(directory: directory.path)
        child.modelReference = "127.0.0.1:5055/demo:v1"
        let two = try child.write(tag: "v2", package: "child")
        #expect(two.layerHexes.isEmpty)
        #expect(try (json(directory.path + "/index.json")["manifests"] as? [Any])?.count == 2)
        for (tag, hex) in [("v1", one.manifestHex), ("v2", two.manifestHex)] {
            let raw = try Command.check("skopeo", ["inspect", "--raw", "oci:\(directory.path):\(tag)"])
            #expect(Sha256.hex(raw.stdout) == hex)
        }
        let empty = try String(decoding: readFile(directory.path + "/blobs/sha256/" + two.manifestHex), as: UTF8.self)
        #expect(empty.contains(#""layers":null"#))
    }
}
