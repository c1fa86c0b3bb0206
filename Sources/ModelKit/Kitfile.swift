// SPDX-License-Identifier: Apache-2.0
public import OCI

/// A kit's config: the Kitfile as JSON, in which each element has the digest of its layer.
///
/// Format: <https://kitops.org/docs/kitfile/format/>. Unknown fields are kept.
public struct Kitfile: Sendable, Equatable {
    public let value: JSONValue

    public init(parsing bytes: [UInt8]) throws(ModelKitError) {
        guard let value = JSONValue(parsing: bytes) else { throw .badConfig(reason: "it is not valid JSON") }
        self.value = value
        guard case .object = value else { throw .badConfig(reason: "it is not a JSON object") }
    }

    init(value: JSONValue) { self.value = value }

    /// One element that may have a layer: the model, one of its parts, a code, prompt, dataset, docs or MCP server
    /// entry.
    public struct Element: Sendable, Equatable {
        public let kind: LayerKind
        public let name: String?
        /// The path as its author wrote it.
        public let path: String?
        /// nil in kits of before 2024, and for elements without a layer.
        public let digest: Digest?
        /// Location of a dataset that is not stored in the kit.
        public let remotePath: String?
        public let remoteHash: String?

        /// Whether the data is not stored in the kit.
        public var isRemote: Bool { remotePath != nil && digest == nil }

        /// The kit that a model comes from. Such a model has no layer of its own.
        var reference: Reference? {
            guard kind == .model, let path, path.contains(":") || path.contains("@"), !path.hasPrefix("."),
                // Any other path is one inside the kit, however it looks.
                let reference = try? Reference(parsing: path)
            else { return nil }
            if case .layout = reference.origin { return nil }
            return reference
        }
    }

    private static let lists: [(key: String, kind: LayerKind)] = [
        ("code", .code), ("prompts", .prompt), ("datasets", .dataset), ("docs", .docs), ("mcpServers", .mcpServer),
    ]

    /// In the order in which kit writes their layers.
    public var elements: [Element] {
        let model = value["model"].flatMap { $0 == .null ? nil : $0 }
        let parts = model?["parts"]?.array ?? []
        return [model].compactMap { $0 }.map { Self.element(.model, $0) }
            + parts.map { Self.element(.modelPart, $0) }
            + Self.lists.flatMap { list in
                (value[list.key]?.array ?? []).map { Self.element(list.kind, $0) }
            }
    }

    /// The kit that the model comes from. As in kit, its reference must have a tag or a digest.
    var parent: Reference? { elements.first { $0.kind == .model }?.reference }

    private static func element(_ kind: LayerKind, _ value: JSONValue) -> Element {
        Element(
            kind: kind, name: value["name"]?.string, path: value["path"]?.string,
            digest: value["digest"]?.string.flatMap { Digest($0) }, remotePath: value["remotePath"]?.string,
            remoteHash: value["remoteHash"]?.string)
    }
}
