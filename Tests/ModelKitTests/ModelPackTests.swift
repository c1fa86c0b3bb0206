// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ModelKit

/// ModelPack artifacts, read as kits.
@Suite struct ModelPackTests {
    private typealias Layer = MadeArtifact.Layer

    private static func pack(_ layers: [Layer], _ config: String = "{}", kitfile: String? = nil) -> MadeArtifact {
        MadeArtifact(
            configType: MadeArtifact.packConfig, config: config, layers: layers,
            annotations: kitfile.map { ["ml.kitops.modelkit.kitfile": $0] } ?? [:])
    }

    private static func layer(_ type: String, _ digit: Character, _ path: String?, cnai: Bool = false) -> Layer {
        let key = cnai ? "org.cnai.model.filepath" : "org.cncf.model.filepath"
        return Layer(
            type: (cnai ? "cnai.model." : "cncf.model.") + type, digit: digit,
            annotations: path.map { [key: $0] } ?? [:])
    }

    private static let layers = [
        layer("weight.v1.raw", "1", "weights/a-1.safetensors"),
        layer("weight.v1.raw+zstd", "2", "weights/a-2.safetensors"),
        layer("weight.config.v1.raw", "3", "config.json"), layer("doc.v1.tar", "4", "docs"),
        layer("code.v1.tar+gzip", "5", "src/run.py"), layer("dataset.v1.tar+zstd", "6", nil),
    ]

    /// Without a Kitfile, annotations have the paths. A tar without one has none.
    @Test func byAnnotations() throws {
        let kit = try Self.pack(Self.layers).kit()
        #expect(kit.hiddenLayers.isEmpty)
        #expect(
            kit.layers.map { "\($0.kind.rawValue) \($0.path) \($0.base)" } == [
                "model weights/a-1.safetensors weights/a-1.safetensors",
                "model weights/a-2.safetensors weights/a-2.safetensors", "modelpart config.json config.json",
                "docs docs .", "code src/run.py .", "dataset . .",
            ])
        #expect(kit.parent == nil)
    }

    /// The derived Kitfile names all layers: the first weight is the model, the others are its parts.
    @Test func aKitfileIsMade() throws {
        let config = #"""
            {"descriptor":{"name":"qwen","title":"t","version":"2","description":"d","licenses":["MIT","BSD"],
             "authors":["A","B"]},"config":{"format":"safetensors","architecture":"transformer"},"modelfs":{}}
            """#
        let kit = try Self.pack(Self.layers, config).kit()
        let value = kit.kitfile.value
        #expect(value["manifestVersion"]?.string == "1.0.0")
        #expect(value["package"]?["name"]?.string == "qwen")
        #expect(value["package"]?["version"]?.string == "2")
        #expect(value["package"]?["description"]?.string == "d")
        #expect(value["package"]?["license"]?.string == "MIT")
        #expect(value["package"]?["authors"]?.array?.compactMap(\.string) == ["A", "B"])
        #expect(value["model"]?["name"]?.string == "qwen")
        #expect(value["model"]?["format"]?.string == "safetensors")
        #expect(value["model"]?["path"]?.string == "weights/a-1.safetensors")
        #expect(
            value["model"]?["parts"]?.array?.map { $0["path"]?.string } == ["weights/a-2.safetensors", "config.json"])
        #expect(value["code"]?.array?.map { $0["path"]?.string } == ["src/run.py"])
        #expect(value["docs"]?.array?.map { $0["path"]?.string } == ["docs"])
        // A dataset without a path has only a digest.
        #expect(value["datasets"]?.array == [.object(["digest": .string(MadeKit.digest("6"))])])
        #expect(try String(decoding: kit.kitfile.yaml(), as: UTF8.self).contains("name: qwen"))
    }

    @Test func aConfigThatSaysNothing() throws {
        let kit = try Self.pack([Self.layer("doc.v1.raw", "1", "README.md")]).kit()
        #expect(kit.kitfile.value["package"] == nil && kit.kitfile.value["model"] == nil)
        let odd = try Self.pack(
            Self.layers, #"{"descriptor":{"name":7,"licenses":"MIT","authors":{}},"config":[]}"#
        ).kit()
        #expect(odd.layers.count == 6 && odd.kitfile.value["package"] == nil)
        #expect(throws: ModelKitError.self) { try Self.pack([], "[]").kit() }
    }

    @Test func withAKitfileInAnAnnotation() throws {
        let kitfile = #"""
            {"manifestVersion":"1.0.0","package":{"name":"k"},"model":{"name":"m","path":"weights/x",
             "digest":"\#(MadeKit.digest("1"))","parts":[{"name":"second","path":"y","digest":"\#(MadeKit.digest("2"))"}]},
             "unknown":{"kept":true}}
            """#
        let kit = try Self.pack(Self.layers, kitfile: kitfile.replacing("\n", with: " ")).kit()
        #expect(kit.kitfile.value["unknown"]?["kept"] == .bool(true))
        // Names are from the Kitfile, in which a second weight is a part of the model. Paths are from annotations.
        #expect(kit.layers.map(\.name) == ["m", "second", nil, nil, nil, nil])
        #expect(kit.layers.first?.path.description == "weights/a-1.safetensors")
    }

    /// A raw weight without an annotation has the path of the Kitfile.
    @Test func rawWeightsPlacedByTheKitfile() throws {
        let layers = [Self.layer("weight.v1.raw", "1", nil), Self.layer("weight.v1.raw", "2", nil)]
        let kitfile = #"{"model":{"path":"w/x.gguf","digest":"\#(MadeKit.digest("1"))"}}"#
        let kit = try Self.pack(layers, kitfile: kitfile).kit()
        #expect(kit.layers.map(\.path.description) == ["w/x.gguf"])
        #expect(kit.hiddenLayers.map(\.descriptor.digest.description) == [MadeKit.digest("2")])
    }

    @Test func aKitfileThatIsNone() {
        for text in ["", "{", "[]", "null", "name: yaml"] {
            let error = #expect(throws: ModelKitError.self) { try Self.pack(Self.layers, kitfile: text).kit() }
            guard case .badConfig? = error else {
                Issue.record("\(text): \(String(describing: error))")
                return
            }
        }
    }

    @Test func theOlderNames() throws {
        var artifact = Self.pack([
            Self.layer("weight.v1.raw", "1", "a/b.gguf", cnai: true),
            Self.layer("doc.v1.tar+gzip", "2", "d", cnai: true),
        ])
        artifact.configType = "cnai.model.config.v1+json"
        #expect(try artifact.kit().layers.map(\.path.description) == ["a/b.gguf", "d"])
        #expect(try artifact.kit().layers.map(\.form.description) == ["raw", "tar+gzip"])
    }
}
