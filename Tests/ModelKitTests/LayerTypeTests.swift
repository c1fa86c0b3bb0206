// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import ModelKit

/// All media types of layers.
@Suite struct LayerTypeTests {
    private func type(_ text: String, _ annotations: [String: String] = [:]) throws -> LayerType? {
        let mediaType = try #require(MediaType(text))
        return LayerType(
            Descriptor(
                mediaType: mediaType, digest: DigestHasher.digest(of: []), size: 0, annotations: annotations))
    }

    static let forms: [(String, LayerForm)] = [
        ("tar", LayerForm(.tar)), ("tar+gzip", LayerForm(.tar, .gzip)), ("tar+gzip-fastest", LayerForm(.tar, .gzip)),
        ("tar+zstd", LayerForm(.tar, .zstd)), ("raw", LayerForm(.raw)), ("raw+gzip", LayerForm(.raw, .gzip)),
        ("raw+gzip-fastest", LayerForm(.raw, .gzip)), ("raw+zstd", LayerForm(.raw, .zstd)),
    ]

    @Test(
        arguments: [
            ("kitops.modelkit.model", .model), ("kitops.modelkit.modelpart", .modelPart),
            ("kitops.modelkit.code", .code), ("kitops.modelkit.dataset", .dataset), ("kitops.modelkit.docs", .docs),
            ("kitops.modelkit.mcpb", .mcpServer), ("cncf.model.weight", .model),
            ("cncf.model.weight.config", .modelPart), ("cncf.model.doc", .docs), ("cncf.model.code", .code),
            ("cncf.model.dataset", .dataset), ("cnai.model.weight", .model),
            ("cnai.model.weight.config", .modelPart), ("cnai.model.doc", .docs), ("cnai.model.code", .code),
            ("cnai.model.dataset", .dataset),
        ] as [(String, LayerKind)])
    func everyKindInEveryForm(_ name: String, _ kind: LayerKind) throws {
        for (end, form) in Self.forms {
            let type = try #require(try type("application/vnd.\(name).v1.\(end)"), "\(name) \(end)")
            #expect(type.kind == kind && type.form == form, "\(name) \(end)")
        }
    }

    @Test func aPromptIsCodeWithAnAnnotation() throws {
        let key = "ml.kitops.modelkit.layer-subtype"
        let code = "application/vnd.kitops.modelkit.code.v1.tar"
        #expect(try type(code, [key: "prompt"])?.kind == .prompt)
        #expect(try type(code, [key: "Prompt"])?.kind == .code)
        #expect(try type(code, [:])?.kind == .code)
        let docs = "application/vnd.kitops.modelkit.docs.v1.raw"
        #expect(try type(docs, [key: "prompt"])?.kind == .docs)
    }

    @Test(arguments: [
        "application/vnd.oci.image.layer.v1.tar", "application/vnd.kitops.modelkit.weight.v1.tar",
        "application/vnd.kitops.modelkit.doc.v1.tar", "application/vnd.cncf.model.model.v1.tar",
        "application/vnd.cncf.model.docs.v1.raw", "application/vnd.cncf.model.weight.v2.raw",
        "application/vnd.cncf.model.weight.v1.tar+gzip+zstd", "application/vnd.cncf.model.weight.v1.tar+",
        "application/vnd.cncf.model.weight.v1.", "application/vnd.cncf.model..v1.tar",
        "application/vnd.kitops.modelkit.config.v1+json", "application/vnd.kitops.modelkit.model.v1.zip",
        "application/vnd.kitops.modelkit.model.v1.tar.v1.tar", "text/plain",
    ]) func othersAreNotKnown(_ text: String) throws {
        #expect(try type(text) == nil)
    }
}
