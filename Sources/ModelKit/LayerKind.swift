// SPDX-License-Identifier: Apache-2.0
public import OCI

/// The part of a kit that a layer holds, in the order in which kit writes them.
public enum LayerKind: String, Sendable, CaseIterable {
    case model, modelPart = "modelpart", code, prompt, dataset, docs, mcpServer = "mcpserver"
}

/// The media type of a layer, parsed, as in `application/vnd.kitops.modelkit.dataset.v1.tar+gzip`.
public struct LayerType: Sendable, Equatable {
    public let kind: LayerKind
    public let form: LayerForm

    /// Kinds by the name between a vocabulary's prefix and the version.
    private static let modelKit: [Substring: LayerKind] = [
        "model": .model, "modelpart": .modelPart, "code": .code, "dataset": .dataset, "docs": .docs,
        "mcpb": .mcpServer,
    ]
    private static let modelPack: [Substring: LayerKind] = [
        "weight": .model, "weight.config": .modelPart, "code": .code, "dataset": .dataset, "doc": .docs,
    ]
    private static let vocabularies = [
        ("application/vnd.kitops.modelkit.", modelKit),
        ("application/vnd.cncf.model.", modelPack),
        ("application/vnd.cnai.model.", modelPack),
    ]
    /// Whether a media type is in one of the vocabularies: that of a kit or of a layer.
    static func isOfKits(_ type: MediaType) -> Bool { vocabularies.contains { type.description.hasPrefix($0.0) } }

    private static let version = ".v1."
    /// The layer of a prompt has the media type of code, and this annotation.
    private static let subtype = "ml.kitops.modelkit.layer-subtype"

    /// nil for an unknown media type.
    public init?(_ descriptor: Descriptor) {
        let text = descriptor.mediaType.description[...]
        guard let (prefix, kinds) = Self.vocabularies.first(where: { text.hasPrefix($0.0) }) else { return nil }
        let rest = text.dropFirst(prefix.count)
        guard let version = rest.firstRange(of: Self.version), let kind = kinds[rest[..<version.lowerBound]],
            let form = LayerForm(rest[version.upperBound...])
        else { return nil }
        self.kind = kind == .code && descriptor.annotations[Self.subtype] == "prompt" ? .prompt : kind
        self.form = form
    }
}
