// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ModelKit

/// The path of each layer.
@Suite struct ElementMatcherTests {
    private typealias Layer = MadeArtifact.Layer
    private static let path = "org.cncf.model.filepath"
    private static let prompt = ["ml.kitops.modelkit.layer-subtype": "prompt"]

    private func digest(_ digit: Character) -> String { MadeKit.digest(digit) }

    /// `kind name spelled path base` of each layer.
    private func places(_ kit: Kit) -> [String] {
        kit.layers.map { layer in
            "\(layer.kind.rawValue) \(layer.name ?? "-") \(layer.spelledPath ?? "-") \(layer.path) \(layer.base)"
        }
    }

    @Test func rawLayers() throws {
        let config = """
            {"model":{"name":"m","path":"models/w.bin","digest":"\(digest("1"))"},
             "datasets":[{"path":"./data/x.csv","digest":"\(digest("2"))"}]}
            """
        let kit = try MadeArtifact(
            config: config,
            layers: [
                Layer(
                    type: "kitops.modelkit.model.v1.raw", digit: "1",
                    annotations: [Self.path: "models/v2/w.bin", "org.cncf.model.file.metadata+json": #"{"mode":448}"#]),
                Layer(type: "kitops.modelkit.dataset.v1.raw+zstd", digit: "2"),
            ]
        ).kit()
        // The annotation counts, else the Kitfile.
        #expect(
            places(kit) == [
                "model m models/v2/w.bin models/v2/w.bin models/v2/w.bin",
                "dataset - ./data/x.csv data/x.csv data/x.csv",
            ])
        #expect(kit.layers.map(\.file?.mode) == [0o700, nil])
        #expect(kit.layers.allSatisfy { $0.file != nil })
    }

    /// A title does not override the path in the Kitfile.
    @Test func aTitleIsOnlyTheLastResort() throws {
        let title = ["org.opencontainers.image.title": "w.bin"]
        let kit = try MadeArtifact(
            config: #"{"model":{"path":"models/w.bin","digest":"\#(digest("1"))"}}"#,
            layers: [
                Layer(type: "kitops.modelkit.model.v1.raw", digit: "1", annotations: title),
                Layer(type: "kitops.modelkit.docs.v1.raw", digit: "2", annotations: title),
            ]
        ).kit()
        #expect(kit.layers.map(\.path.description) == ["models/w.bin", "w.bin"])
    }

    @Test(arguments: [nil, "", ".", "./"] as [String?])
    func aRawLayerThatNobodyNamesIsHidden(_ path: String?) throws {
        let kit = try MadeArtifact(
            layers: [
                Layer(
                    type: "kitops.modelkit.code.v1.raw", digit: "1",
                    annotations: path.map { [Self.path: $0] } ?? [:]),
                Layer(type: "kitops.modelkit.code.v1.tar", digit: "2"),
            ]
        ).kit()
        #expect(kit.hiddenLayers.map(\.descriptor.digest.description) == [digest("1")])
        #expect(kit.hiddenLayers.first?.reason.contains("has no name") == true)
        #expect(kit.layers.map(\.path.description) == ["."])
    }

    /// Kit's tars hold whole paths. Only the Kitfile declares the path of a layer.
    @Test func anAnnotationDoesNotMoveAKitsTar() throws {
        let kit = try MadeArtifact(
            config: #"{"code":[{"path":"src","digest":"\#(digest("1"))"}]}"#,
            layers: [
                Layer(type: "kitops.modelkit.code.v1.tar", digit: "1", annotations: [Self.path: "elsewhere"])
            ]
        ).kit()
        #expect(places(kit) == ["code - src src ."])
        #expect(kit.layers.first?.file == nil)
    }

    @Test(arguments: ["../x", "/x", "a/../../x"]) func annotationsThatLeadOut(_ path: String) throws {
        let artifact = MadeArtifact(
            layers: [Layer(type: "kitops.modelkit.code.v1.raw", digit: "1", annotations: [Self.path: path])])
        let error = #expect(throws: ModelKitError.self) { try artifact.kit() }
        guard case .badPath? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func remoteDatasetsHaveNoLayer() throws {
        let config = """
            {"datasets":[{"name":"far","path":"far","remotePath":"s3://b/far","remoteHash":"abc"},
             {"name":"near","path":"near"},{"name":"both","path":"b","remotePath":"s3://b/b","digest":"\(digest("9"))"}]}
            """
        let old = try MadeArtifact(
            config: config.replacing(#","digest":"\#(digest("9"))""#, with: ""),
            layers: [Layer(type: "kitops.modelkit.dataset.v1.tar", digit: "1")]
        ).kit()
        #expect(places(old) == ["dataset near near near ."])
        #expect(old.kitfile.elements.filter(\.isRemote).map(\.name) == ["far", "both"])
        let new = try MadeArtifact(
            config: config, layers: [Layer(type: "kitops.modelkit.dataset.v1.tar", digit: "9")]
        ).kit()
        // A dataset with a layer is in the kit, also with a remote path.
        #expect(places(new) == ["dataset both b b ."])
        #expect(new.kitfile.elements.filter(\.isRemote).map(\.remotePath) == ["s3://b/far"])
        #expect(new.kitfile.elements.filter(\.isRemote).map(\.remoteHash) == ["abc"])
    }

    @Test func promptsAndMCPServers() throws {
        let config = """
            {"code":[{"path":"src","digest":"\(digest("1"))"}],
             "prompts":[{"name":"p","path":"p.md","digest":"\(digest("2"))"}],
             "mcpServers":[{"name":"s","path":"s.mcpb","digest":"\(digest("3"))"}]}
            """
        let layers = [
            Layer(type: "kitops.modelkit.code.v1.tar", digit: "1"),
            Layer(type: "kitops.modelkit.code.v1.tar", digit: "2", annotations: Self.prompt),
            Layer(type: "kitops.modelkit.mcpb.v1.raw", digit: "3"),
        ]
        let expected = ["code - src src .", "prompt p p.md p.md .", "mcpserver s s.mcpb s.mcpb s.mcpb"]
        #expect(places(try MadeArtifact(config: config, layers: layers).kit()) == expected)
        // A prompt whose layer lacks the annotation is found by its digest.
        var unsaid = layers
        unsaid[1].annotations = [:]
        #expect(try MadeArtifact(config: config, layers: unsaid).kit().layers.map(\.name) == [nil, "p", "s"])
    }

    /// The same content as code and as docs: each layer has the element of its kind.
    @Test func oneDigestForTwoKinds() throws {
        let config = """
            {"code":[{"path":"a.py","digest":"\(digest("1"))"}],"docs":[{"path":"a.md","digest":"\(digest("1"))"}]}
            """
        let kit = try MadeArtifact(
            config: config,
            layers: [
                Layer(type: "kitops.modelkit.docs.v1.raw", digit: "1"),
                Layer(type: "kitops.modelkit.code.v1.raw", digit: "1"),
            ]
        ).kit()
        #expect(kit.layers.map { "\($0.kind.rawValue) \($0.path)" } == ["docs a.md", "code a.py"])
    }
}
