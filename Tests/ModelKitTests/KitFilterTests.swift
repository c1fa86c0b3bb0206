// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ModelKit

/// The grammar and meaning of `kit unpack --filter`.
@Suite struct KitFilterTests {
    private func digest(_ digit: Character) -> String { MadeKit.digest(digit) }

    private func kit() throws -> Kit {
        let config = """
            {"model":{"name":"m","path":"./model/w","digest":"\(digest("1"))",
              "parts":[{"name":"p","path":"part","digest":"\(digest("2"))"},{"path":"q","digest":"\(digest("3"))"}]},
             "code":[{"path":"src/","digest":"\(digest("4"))"}],
             "prompts":[{"name":"hi","path":"hi.md","digest":"\(digest("5"))"}],
             "datasets":[{"name":"train","path":"data","digest":"\(digest("6"))"}],
             "docs":[{"path":"README.md","digest":"\(digest("7"))"}],
             "mcpServers":[{"name":"s","path":"s.mcpb","digest":"\(digest("8"))"}]}
            """
        typealias Layer = MadeArtifact.Layer
        return try MadeArtifact(
            config: config,
            layers: [
                Layer(type: "kitops.modelkit.model.v1.tar", digit: "1"),
                Layer(type: "kitops.modelkit.modelpart.v1.tar", digit: "2"),
                Layer(type: "kitops.modelkit.modelpart.v1.tar", digit: "3"),
                Layer(type: "kitops.modelkit.code.v1.tar", digit: "4"),
                Layer(
                    type: "kitops.modelkit.code.v1.tar", digit: "5",
                    annotations: ["ml.kitops.modelkit.layer-subtype": "prompt"]),
                Layer(type: "kitops.modelkit.dataset.v1.tar", digit: "6"),
                Layer(type: "kitops.modelkit.docs.v1.tar", digit: "7"),
                Layer(type: "kitops.modelkit.mcpb.v1.raw", digit: "8"),
            ]
        ).kit()
    }

    /// Digests' digits of the layers that a filter chooses.
    @Test(
        arguments: [
            ("model", "123"), ("code", "4"), ("prompts", "5"), ("datasets", "6"), ("docs", "7"), ("mcpservers", "8"),
            ("kitfile", ""), ("model,docs", "1237"), ("kitfile,datasets", "6"), ("docs,docs", "7"),
            ("model:m", "1"), ("model:p", "2"), ("model:m,p", "12"), ("model:q", "3"), ("datasets:train", "6"),
            ("datasets:data", "6"), ("docs:README.md", "7"), ("mcpservers:s", "8"), ("prompts:hi.md", "5"),
            // Paths as the Kitfile has them, and no others.
            ("model:./model/w", "1"), ("model:model/w", ""), ("code:src/", "4"), ("code:src", ""),
            ("model,datasets:train,m", "16"), ("datasets:m", ""), ("code:train", ""),
            // An empty name chooses elements without a name.
            ("model:", "3"), ("datasets:", ""), ("model:m,", "13"),
            // Code and docs have no names in kit.
            ("docs:", ""), ("code:", ""),
        ])
    func chooses(_ text: String, _ digits: String) throws {
        let filter = try KitFilter(parsing: text)
        let chosen = try kit().layers.filter { filter.matches($0) }
        #expect(String(chosen.compactMap(\.descriptor.digest.hex.first)) == digits)
        #expect(filter.hasKitfile == text.contains("kitfile"))
    }

    @Test(arguments: [
        "", ":", "models", "dataset", "Model", "model,", ",model", "model:a:b", "::", "model, docs", " model",
        "modelpart", "modelparts", "config", "all",
    ]) func isRefused(_ text: String) {
        let error = #expect(throws: KitFilter.ParseError.self) { try KitFilter(parsing: text) }
        #expect(error?.description.contains("“\(text)”") == true)
    }

    /// Each filter with `model` applies to the parents, with its names. Without one, no parent is fetched.
    @Test(
        arguments: [
            ([], ["c:45", "p:12", "g:7"], true), (["model"], ["c:", "p:12", "g:7"], false),
            (["model,kitfile"], ["c:", "p:12", "g:7"], true), (["datasets"], ["c:5"], false),
            (["model:pm"], ["c:", "p:1", "g:"], false), (["model:pm", "model,code:gm"], ["c:", "p:1", "g:7"], false),
            (["code", "model:gm"], ["c:4", "p:", "g:7"], false), (["kitfile"], ["c:"], true),
            (["docs"], ["c:"], false), (["docs:pm", "model:none"], ["c:", "p:", "g:"], false),
        ] as [([String], [String], Bool)])
    func ofParents(_ filters: [String], _ expected: [String], _ showsKitfile: Bool) throws {
        typealias Layer = MadeArtifact.Layer
        let artifacts = [
            "r.io/c:v1": MadeArtifact(
                config: #"{"model":{"path":"r.io/p:v1"}}"#,
                layers: [
                    Layer(type: "kitops.modelkit.code.v1.tar", digit: "4"),
                    Layer(type: "kitops.modelkit.dataset.v1.tar", digit: "5"),
                ]),
            "r.io/p:v1": MadeArtifact(
                config: """
                    {"model":{"name":"x","path":"r.io/g:v1","parts":[{"name":"pm","path":"pm","digest":"\(digest("1"))"},
                     {"name":"pn","path":"pn","digest":"\(digest("2"))"}]},
                     "docs":[{"name":"pm","path":"d","digest":"\(digest("3"))"}]}
                    """,
                layers: [
                    Layer(type: "kitops.modelkit.modelpart.v1.tar", digit: "1"),
                    Layer(type: "kitops.modelkit.modelpart.v1.tar", digit: "2"),
                    Layer(type: "kitops.modelkit.docs.v1.tar", digit: "3"),
                ]),
            "r.io/g:v1": MadeArtifact(
                config: #"{"model":{"name":"gm","path":"gm","digest":"\#(digest("7"))"}}"#,
                layers: [Layer(type: "kitops.modelkit.model.v1.tar", digit: "7")]),
        ]
        let family = try KitFamily.fetch(
            Reference(parsing: "r.io/c:v1"), filters: filters.map { try KitFilter(parsing: $0) }
        ) { reference in
            let artifact = try #require(artifacts[reference.description])
            return FakeSource(
                reference: reference, manifest: String(decoding: try artifact.manifest, as: UTF8.self),
                config: artifact.config)
        }
        let found = family.members.map { member in
            String(member.source.reference.description.dropFirst(5).prefix(1)) + ":"
                + String(member.layers.compactMap(\.descriptor.digest.hex.first))
        }
        #expect(found == expected)
        #expect(family.showsKitfile == showsKitfile)
    }
}
