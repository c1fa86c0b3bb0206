// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
internal import OCI

/// The config of a ModelPack artifact, as far as a Kitfile can express it.
///
/// Spec: <https://github.com/modelpack/model-spec/blob/main/docs/config.md>.
struct ModelPackConfig {
    private let value: JSONValue
    private static let kitfileKey = "ml.kitops.modelkit.kitfile"

    init(parsing bytes: [UInt8]) throws(ModelKitError) {
        value = try Kitfile(parsing: bytes).value
    }

    /// The Kitfile in kit's annotation, or one derived from the config and the layers.
    func kitfile(of manifest: Manifest) throws(ModelKitError) -> Kitfile {
        if let text = manifest.annotations[Self.kitfileKey] { return try Kitfile(parsing: Array(text.utf8)) }
        var members: [String: JSONValue] = ["manifestVersion": .string("1.0.0")]
        if let package = package { members["package"] = package }
        let layers = manifest.layers.compactMap { descriptor -> (kind: LayerKind, element: JSONValue)? in
            guard let type = LayerType(descriptor) else { return nil }
            return (type.kind, Self.element(descriptor))
        }
        func elements(_ kind: LayerKind) -> [JSONValue] { layers.filter { $0.kind == kind }.map(\.element) }
        let weights = elements(.model)
        let parts = weights.dropFirst() + elements(.modelPart)
        if !weights.isEmpty || !parts.isEmpty { members["model"] = model(weights.first, Array(parts)) }
        for (key, kind) in [("code", LayerKind.code), ("datasets", .dataset), ("docs", .docs)] {
            let list = elements(kind)
            if !list.isEmpty { members[key] = .array(list) }
        }
        return Kitfile(value: .object(members))
    }

    private static func element(_ descriptor: Descriptor) -> JSONValue {
        let file = FileAnnotations(descriptor.annotations)
        let path = file.path ?? file.title
        return .object(
            [
                "path": path.map { .string($0) } ?? .null, "digest": .string(descriptor.digest.description),
            ].filter { $0.value != .null })
    }

    private var package: JSONValue? {
        let said = value["descriptor"]
        var members: [String: JSONValue] = [:]
        for (key, names) in [("name", ["name", "title"]), ("version", ["version"]), ("description", ["description"])] {
            if let text = names.lazy.compactMap({ said?[$0]?.string }).first { members[key] = .string(text) }
        }
        if let license = said?["licenses"]?.array?.first?.string { members["license"] = .string(license) }
        if let authors = said?["authors"]?.array, !authors.isEmpty { members["authors"] = .array(authors) }
        return members.isEmpty ? nil : .object(members)
    }

    private func model(_ weight: JSONValue?, _ parts: [JSONValue]) -> JSONValue {
        var members: [String: JSONValue] = [:]
        if case .object(let own)? = weight { members = own }
        if let name = value["descriptor"]?["name"] { members["name"] = name }
        if let format = value["config"]?["format"] { members["format"] = format }
        if !parts.isEmpty { members["parts"] = .array(parts) }
        return .object(members)
    }
}
