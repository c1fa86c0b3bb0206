// SPDX-License-Identifier: Apache-2.0
public import OCI

/// A kit's config: the Kitfile as JSON, with the layer of each element named by digest.
///
/// Format: <https://kitops.org/docs/kitfile/format/>. Everything is kept, known or not.
public struct Kitfile: Sendable, Equatable {
    public let value: JSONValue

    public init(parsing bytes: [UInt8]) throws(ModelKitError) {
        guard let value = JSONValue(parsing: bytes) else { throw .badConfig(reason: "it is not valid JSON") }
        self.value = value
        guard case .object = value else { throw .badConfig(reason: "it is not a JSON object") }
    }

    /// One element that may have a layer: the model, one of its parts, a code, dataset or docs entry.
    public struct Element: Sendable, Equatable {
        public let kind: LayerKind
        public let name: String?
        /// As its author wrote it.
        public let path: String
        /// nil in kits of before 2024, and for elements without a layer.
        public let digest: Digest?
    }

    /// In the order in which kit writes their layers.
    public var elements: [Element] {
        let model = value["model"].flatMap { $0 == .null ? nil : $0 }
        return [model].compactMap { $0 }.map { Self.element(.model, $0) }
            + (model?["parts"]?.array ?? []).map { Self.element(.modelPart, $0) }
            + (value["code"]?.array ?? []).map { Self.element(.code, $0) }
            + (value["prompts"]?.array ?? []).map { Self.element(.code, $0) }
            + (value["datasets"]?.array ?? []).map { Self.element(.dataset, $0) }
            + (value["docs"]?.array ?? []).map { Self.element(.docs, $0) }
    }

    /// `model.path`, which names another kit where the model has no layer of its own.
    public var modelPath: String? { value["model"]?["path"]?.string }
    public var packageName: String? { value["package"]?["name"]?.string }
    public var packageVersion: String? { value["package"]?["version"]?.string }

    private static func element(_ kind: LayerKind, _ value: JSONValue) -> Element {
        Element(
            kind: kind, name: value["name"]?.string, path: value["path"]?.string ?? ".",
            digest: value["digest"]?.string.flatMap { Digest($0) })
    }
}
