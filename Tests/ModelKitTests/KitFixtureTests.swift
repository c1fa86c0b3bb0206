// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import ModelKit

/// Kits packed by the real kit.
@Suite struct KitFixtureTests {
    struct Expected: Sendable {
        let layout: String
        var tag = "v1"
        let kinds: [LayerKind]
        let paths: [String]
        let names: [String?]
        let digests: [String]
        let size: UInt64
        var form = LayerForm(.tar)
    }

    static let all: [Expected] = [
        Expected(
            layout: "plain-small", kinds: [.model, .modelPart, .code, .dataset, .docs],
            paths: ["model/weights.safetensors", "model/tokenizer.json", "src", "data", "README.md"],
            names: ["weights", "tokenizer", nil, "train-and-valid", nil],
            digests: ["4529e6937459", "c5fe43f570b1", "bee4080d8620", "dcaead687108", "9af37319cca8"], size: 2_380_800),
        Expected(
            layout: "gzip", kinds: [.model, .modelPart, .code, .dataset, .docs],
            paths: ["model/weights.safetensors", "model/tokenizer.json", "src", "data", "README.md"],
            names: ["weights", "tokenizer", nil, "train-and-valid", nil],
            digests: ["18821b4d520a", "fd0fdf019b3d", "b01115140c94", "99ffd9253b75", "d63cf6dfc6dd"], size: 2_318_695,
            form: LayerForm(.tar, .gzip)),
        Expected(
            layout: "sharing", kinds: [.model, .dataset], paths: ["model/model.onnx", "data"], names: ["m", "shards"],
            digests: ["093c0d71967d", "df12fabbfb5b"], size: 3_153_408),
        Expected(
            layout: "sharing", tag: "v2", kinds: [.model, .dataset], paths: ["model/model.onnx", "data"],
            names: ["m", "shards"], digests: ["cb09c450e9de", "df12fabbfb5b"], size: 3_153_408),
        Expected(
            layout: "unicode-paths", kinds: [.model, .dataset], paths: ["model/my model (v1).gguf", "data"],
            names: ["m", "données"], digests: ["dc6b28f6c9a5", "16733effe7bf"], size: 115_200),
        Expected(
            layout: "shared-parent", kinds: [.model, .dataset], paths: ["assets/v1/model", "assets/v1/data"],
            names: ["m", "d"], digests: ["6435785e28fc", "7b153ac679d7"], size: 58_368),
        Expected(
            layout: "child", kinds: [.modelPart, .dataset], paths: ["lora/adapter.bin", "tuning"],
            names: ["lora", "tuning"], digests: ["4a96c84b8e76", "d89cba19cb7e"], size: 59_904),
    ]

    @Test(arguments: all) func layers(_ expected: Expected) throws {
        let kit = try MadeKit.fixture(expected.layout, expected.tag)
        #expect(kit.layers.map(\.kind) == expected.kinds)
        #expect(kit.layers.map(\.path.description) == expected.paths)
        #expect(kit.layers.map(\.name) == expected.names)
        #expect(kit.layers.map(\.descriptor.digest.short) == expected.digests)
        #expect(kit.layers.allSatisfy { $0.form == expected.form && $0.base.isRoot })
        #expect(kit.size == expected.size)
        #expect(kit.hiddenLayers.isEmpty)
        let parent = expected.layout == "child" ? "127.0.0.1:5055/plain-small:v1" : nil
        #expect(kit.parent?.description == parent)
    }

    @Test(arguments: all) func theKitfileMeansWhatTheConfigSays(_ expected: Expected) throws {
        let kit = try MadeKit.fixture(expected.layout, expected.tag)
        let yaml = try kit.kitfile.yaml()
        #expect(try YAMLReader.read(yaml) == Kitfile.withoutLayers(kit.kitfile.value))
        let text = String(decoding: yaml, as: UTF8.self)
        #expect(!text.contains("sha256:") && !text.contains("diffId"))
    }

    @Test func theKitfileOfPlainSmall() throws {
        let kitfile = try YAMLReader.read(MadeKit.fixture("plain-small").kitfile.yaml())
        #expect(kitfile["package"]?["authors"] == .array([.string("Jane Doe"), .string("Zoë Ünï")]))
        #expect(kitfile["package"]?["version"] == .string("1.2.3"))
        #expect(
            kitfile["model"]?["parameters"]
                == .object([
                    "nested": .object(["a": .string("hello"), "b": .array([.integer(1), .integer(2), .integer(3)])]),
                    "temperature": .number(0.7),
                ]))
    }
}
