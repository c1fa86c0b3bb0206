// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ModelKit

@Suite struct KitTests {
    private func digest(_ digit: Character) -> String { MadeKit.digest(digit) }

    @Test func layersAreMatchedByDigestNotByOrder() throws {
        let config = """
            {"datasets":[{"name":"a","path":"a","digest":"\(digest("a"))"},{"name":"b","path":"b/c",
             "digest":"\(digest("b"))"}]}
            """
        let kit = try MadeKit.kit(config, layers: [("dataset.v1.tar", "b"), ("dataset.v1.tar+gzip", "a")])
        #expect(kit.layers.map(\.name) == ["b", "a"])
        #expect(kit.layers.map(\.path.description) == ["b/c", "a"])
        #expect(kit.layers.map(\.form.description) == ["tar", "tar+gzip"])
        #expect(kit.layers.allSatisfy { $0.base.isRoot })
    }

    @Test func twoSpellingsOfOnePathAreOneLayer() throws {
        let config = """
            {"datasets":[{"name":"one","path":"data","digest":"\(digest("a"))"},
             {"name":"two","path":"./data","digest":"\(digest("a"))"}]}
            """
        let kit = try MadeKit.kit(config, layers: [("dataset.v1.tar", "a"), ("dataset.v1.tar", "a")])
        #expect(kit.layers.map(\.name) == ["one"])
        #expect(kit.size == 1024)
    }

    @Test func oneLayerAtTwoPathsIsTwo() throws {
        let config = """
            {"datasets":[{"path":"a","digest":"\(digest("a"))"},{"path":"b","digest":"\(digest("a"))"}]}
            """
        let kit = try MadeKit.kit(config, layers: [("dataset.v1.tar", "a"), ("dataset.v1.tar", "a")])
        #expect(kit.layers.map(\.path.description) == ["a", "b"])
    }

    @Test func aLayerWithoutAnElementMayBeAnywhere() throws {
        let config = #"{"docs":[{"path":"README.md","digest":"\#(digest("c"))"}]}"#
        let kit = try MadeKit.kit(config, layers: [("code.v1.tar", "a"), ("docs.v1.tar", "c")])
        #expect(kit.layers.map(\.path.description) == [".", "README.md"])
        #expect(kit.layers.map(\.name) == [nil, nil])
    }

    /// Kits of before 2024: elements are matched by order, and names are relative to the directory of the path.
    @Test func withoutDigestsTheOrderCounts() throws {
        let config = """
            {"model":{"name":"m","path":"models/v1/m.bin","parts":[{"path":"part"},{"path":"./parts/b/"}]},
             "datasets":[{"name":"x","path":"data/x"},{"name":"y","path":"y"}],"code":[{"path":"."}]}
            """
        let kit = try MadeKit.kit(
            config,
            layers: [
                ("model.v1.tar", "1"), ("modelpart.v1.tar", "2"), ("modelpart.v1.tar", "3"), ("code.v1.tar", "4"),
                ("dataset.v1.tar", "5"), ("dataset.v1.tar", "6"),
            ])
        #expect(kit.layers.map(\.path.description) == ["models/v1/m.bin", "part", "parts/b", ".", "data/x", "y"])
        #expect(kit.layers.map(\.base.description) == ["models/v1", ".", "parts", ".", "data", "."])
        #expect(kit.layers.map(\.name) == ["m", nil, nil, nil, "x", "y"])
    }

    @Test func unknownTypesAreSetAside() throws {
        let types = ["adapter.v1.tar", "model.v2.tar", "model.v1.tar+xz", "model.v1", "model.v1.tar.x", "MODEL.v1.tar"]
        let kit = try MadeKit.kit("{}", layers: types.map { ($0, "a") } + [("model.v1.tar+zstd", "b")])
        #expect(
            kit.hiddenLayers.map { String($0.descriptor.mediaType.description.dropFirst(MadeKit.prefix.count)) }
                == types)
        #expect(kit.layers.map(\.kind) == [.model])
        #expect(kit.layers.first?.form == LayerForm(.tar, .zstd))
    }

    @Test(arguments: ["/etc", "../x", "a/../../b", "a\\u0000b"]) func badPaths(_ path: String) {
        let config = #"{"code":[{"name":"evil","path":"\#(path)","digest":"\#(digest("a"))"}]}"#
        let error = #expect(throws: ModelKitError.self) { try MadeKit.kit(config, layers: [("code.v1.tar", "a")]) }
        guard case .badPath("evil", _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        arguments: [
            ("r.io/team/m:v1", "r.io/team/m:v1"), ("localhost:5000/m", "localhost:5000/m:latest"),
            ("model/weights.bin", nil), ("weights.bin", nil), ("./r.io/m:v1", nil), ("../r.io/m", nil),
            ("/r.io/m", nil),
            ("R.io/Model", nil), ("", nil), ("r.io/team/m", nil), ("mine:v1", "mine:v1"), ("oci:dir:v1", nil),
        ] as [(String, String?)]) func theParent(_ path: String, _ parent: String?) throws
    {
        let config = #"{"model":{"path":"\#(path)"}}"#
        #expect(try MadeKit.kit(config).parent?.description == parent)
        // A kit with a model layer has no parent, whatever the path looks like.
        if parent != nil {
            #expect(try MadeKit.kit(config, layers: [("model.v1.tar", "a")]).parent == nil)
            #expect(try MadeKit.kit(config, layers: [("modelpart.v1.tar", "a")]).parent != nil)
        }
    }

    /// Each layer searches all elements, so that their product must be bounded.
    @Test func elementsAreBounded() throws {
        func config(_ count: Int) -> String {
            #"{"datasets":[\#(Array(repeating: "{}", count: count).joined(separator: ","))]}"#
        }
        #expect(throws: Never.self) { try MadeKit.kit(config(Kit.elementLimit)) }
        #expect(throws: ModelKitError.self) { try MadeKit.kit(config(Kit.elementLimit + 1)) }
    }

    @Test func theSizeNeverWraps() throws {
        let huge = UInt64(Int64.max)
        let layer = #"{"mediaType":"\#(MadeKit.prefix)code.v1.tar","digest":"%","size":\#(huge)}"#
        let layers = "abc".map { layer.replacing("%", with: digest($0)) }.joined(separator: ",")
        let json = MadeKit.manifest(config: "{}").replacing("\"layers\":[]", with: "\"layers\":[\(layers)]")
        let document = try ResolvedDocument(bytes: Array(json.utf8), expected: nil, at: "made")
        let resolved = try #require(ResolvedManifest(document))
        #expect(try Kit(resolved: resolved, kind: .modelKit, config: Array("{}".utf8)).size == .max)
    }
}
