// SPDX-License-Identifier: Apache-2.0

/// The documents of a kit: Kitfile, config, manifest.
extension KitBuilder {
    static let kitfileAnnotation = "ml.kitops.modelkit.kitfile"

    /// The Kitfile as JSON, which is a kit's config. Empty lists are left out.
    func kitfile(package: String, _ packed: [PackedLayer]) -> JSON {
        func elements(_ kind: Kind) -> [JSON] {
            packed.filter { $0.layer.kind == kind }.map { .object(fields($0)) }
                + self.elements.filter { $0.kind == kind }.map { .object($0.fields) }
        }
        var members = kitfileKeys
        members["manifestVersion"] = "1.0.0"
        members["package"] = ["name": .string(package)]
        let parts = elements(.modelpart)
        var model = elements(.model).first
        if model == nil, let modelReference { model = ["path": .string(modelReference)] }
        if !parts.isEmpty, case .object(var fields) = model ?? [:] {
            fields["parts"] = .array(parts)
            model = .object(fields)
        }
        members["model"] = model
        for (kind, key) in [
            (Kind.code, "code"), (.prompt, "prompts"), (.dataset, "datasets"), (.docs, "docs"),
            (.mcpServer, "mcpServers"),
        ] {
            let list = elements(kind)
            if !list.isEmpty { members[key] = .array(list) }
        }
        return .object(members)
    }

    private func fields(_ packed: PackedLayer) -> [String: JSON] {
        var fields: [String: JSON] = ["path": .string(packed.layer.path)]
        if let name = packed.layer.name { fields["name"] = .string(name) }
        if hasDigests {
            fields["digest"] = .string(packed.descriptor.digest)
            fields["diffId"] = .string("sha256:" + Sha256.hex(packed.layer.content))
        }
        return fields
    }

    /// Spec: <https://github.com/modelpack/model-spec/blob/main/docs/config.md>.
    func modelPackConfig(package: String, _ packed: [PackedLayer]) -> JSON {
        let diffIds = packed.map { JSON.string("sha256:" + Sha256.hex($0.layer.content)) }
        return [
            "descriptor": ["name": .string(package)], "config": [:],
            "modelfs": ["type": "layers", "diffIds": .array(diffIds)],
        ]
    }

    var configType: String {
        switch family {
        case .modelKit: "application/vnd.kitops.modelkit.config.v1+json"
        case .modelPack: "application/vnd.cncf.model.config.v1+json"
        case .oldModelPack: "application/vnd.cnai.model.config.v1+json"
        }
    }

    private var artifactType: String {
        switch family {
        case .modelKit: "application/vnd.kitops.modelkit.manifest.v1+json"
        case .modelPack: "application/vnd.cncf.model.manifest.v1+json"
        case .oldModelPack: "application/vnd.cnai.model.manifest.v1+json"
        }
    }

    /// Kits up to 2025 have no media types in the manifest, and `null` for an empty list of layers.
    func manifest(
        config: OCILayout.Descriptor, layers: [OCILayout.Descriptor], annotations: [String: String]?
    ) -> JSON {
        var members: [String: JSON] = [
            "schemaVersion": 2, "config": config.json,
            "layers": layers.isEmpty ? .null : .array(layers.map(\.json)),
        ]
        if hasMediaTypes || family != .modelKit {
            members["mediaType"] = .string(OCILayout.manifestType)
            members["artifactType"] = .string(artifactType)
        }
        if let annotations { members["annotations"] = .object(annotations.mapValues { .string($0) }) }
        return .object(members)
    }
}
