// SPDX-License-Identifier: Apache-2.0

/// An element of a Kitfile with its layer; `model` has the elements of its parts inside.
struct KitElement: Encodable, Sendable {
    var name: String?
    var path: String?
    var digest: String?
    var diffId: String?
    var parts: [KitElement]?
}

/// The config blob: the Kitfile as JSON. Lists without elements are left out.
struct KitConfig: Encodable {
    struct Package: Encodable {
        var name: String
    }

    var manifestVersion = "1.0.0"
    var package: Package
    var model: KitElement?
    var code: [KitElement]?
    var datasets: [KitElement]?
    var docs: [KitElement]?

    init(package: String, modelReference: String?, layers: [KitLayer]) {
        func elements(_ kind: KitBuilder.Kind) -> [KitElement]? {
            let found = layers.filter { $0.kind == kind }.compactMap(\.element)
            return found.isEmpty ? nil : found
        }
        self.package = Package(name: package)
        let parts = elements(.modelpart)
        model = elements(.model)?.first
        if model == nil, modelReference != nil || parts != nil { model = KitElement(path: modelReference) }
        model?.parts = parts
        code = elements(.code)
        datasets = elements(.dataset)
        docs = elements(.docs)
    }
}

/// The manifest as kit up to 2025 wrote it: no `mediaType`, no `artifactType`, and `null` for no layers.
struct KitManifest: Encodable {
    var config: OCILayout.Descriptor
    var layers: [OCILayout.Descriptor]

    private enum CodingKeys: CodingKey {
        case schemaVersion, config, layers
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(2, forKey: .schemaVersion)
        try container.encode(config, forKey: .config)
        try container.encode(layers.isEmpty ? nil : layers, forKey: .layers)
    }
}
