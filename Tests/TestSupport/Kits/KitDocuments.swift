// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// A kit's manifest and Kitfile as ``UnpackedKit`` reads them: its layers, and the path of each.
struct KitDocuments {
    struct Layer {
        /// For messages: the media type's last words, and whether names are relative to the path's parent.
        var form: String
        var hex: String
        var size: Int
        var isOfModel: Bool
        var isRaw: Bool
        var compression: LayerCompression?
        /// The declared path.
        var path: UnpackedKit.Path
        /// The directory that the names in the tar are relative to.
        var base: UnpackedKit.Path
        /// The mode of a raw layer's file, if the manifest has it.
        var mode: UInt16?
    }

    struct Kitfile: Decodable {
        struct Element: Decodable {
            var path: String?
            var digest: String?
            var parts: [Element]?
            var remotePath: String?
        }

        var model: Element?
        var code, prompts, datasets, docs, mcpServers: [Element]?
    }

    private struct Manifest: Decodable {
        var mediaType: String?
        var config: OCILayout.Descriptor?
        var layers: [OCILayout.Descriptor]?
        var manifests: [OCILayout.Descriptor]?
        var annotations: [String: String]?
    }

    let layout: OCILayout
    let kitfile: Kitfile?
    private let blobs: [OCILayout.Descriptor]

    init(layout: OCILayout, tag: String) throws {
        func decode<Value: Decodable>(_ hex: String) throws -> Value {
            try JSONDecoder().decode(Value.self, from: Data(try readFile(layout.blobFile(hex))))
        }
        self.layout = layout
        var manifest: Manifest = try decode(try layout.descriptor(of: tag).hex)
        // An index with one kit stands for that kit.
        if let only = manifest.manifests?.first { manifest = try decode(only.hex) }
        guard let config = manifest.config else { throw TestSupportError("\(tag) has no config") }
        blobs = manifest.layers ?? []
        if config.mediaType.hasPrefix("application/vnd.kitops.") {
            kitfile = try decode(config.hex) as Kitfile
        } else if let text = manifest.annotations?["ml.kitops.modelkit.kitfile"] {
            kitfile = try JSONDecoder().decode(Kitfile.self, from: Data(text.utf8))
        } else {
            kitfile = nil
        }
    }

    /// The reference of the parent kit, if the kit has no model of its own.
    var modelPath: String? {
        blobs.contains { $0.mediaType.hasPrefix("application/vnd.kitops.modelkit.model.") } ? nil : kitfile?.model?.path
    }

    /// The layers in the manifest's order.
    func layers() throws -> [Layer] {
        var waiting: [String: [Kitfile.Element]] = [
            "model": kitfile?.model.map { [$0] } ?? [], "modelpart": kitfile?.model?.parts ?? [],
            "code": kitfile?.code ?? [], "prompt": kitfile?.prompts ?? [], "dataset": kitfile?.datasets ?? [],
            "docs": kitfile?.docs ?? [], "mcpb": kitfile?.mcpServers ?? [],
        ].mapValues { $0.filter { $0.remotePath == nil } }
        let hasDigests = waiting.values.joined().contains { $0.digest != nil }
        return try blobs.compactMap { blob in
            guard let (kind, form) = Self.kindAndForm(blob) else { return nil }
            var element: Kitfile.Element?
            if let index = waiting[kind]?.firstIndex(where: { !hasDigests || $0.digest == blob.digest }) {
                element = waiting[kind]?.remove(at: index)
            }
            let isRaw = form.first == "raw"
            let filepath =
                blob.annotations?["org.cncf.model.filepath"] ?? blob.annotations?["org.cnai.model.filepath"]
            let told = isRaw ? filepath ?? element?.path : element?.path ?? filepath
            let path = try UnpackedKit.path(Array((told ?? ".").utf8))
            return Layer(
                form: kind + " " + form.joined(separator: "+") + (hasDigests ? "" : ", old"), hex: blob.hex,
                size: blob.size, isOfModel: kind.hasPrefix("model"), isRaw: isRaw,
                compression: form.count > 1 ? LayerCompression(rawValue: form[1]) : nil, path: path,
                base: kitfile == nil || hasDigests ? [] : path.dropLast(), mode: try Self.mode(blob))
        }
    }

    /// Such as `("dataset", ["tar", "gzip"])`; nil if the blob is not a layer of a kit.
    private static func kindAndForm(_ blob: OCILayout.Descriptor) -> (kind: String, form: [String])? {
        let kinds = ["weight.config": "modelpart", "weight": "model", "doc": "docs"]
        for family in ["vnd.kitops.modelkit.", "vnd.cncf.model.", "vnd.cnai.model."] {
            let prefix = "application/" + family
            guard blob.mediaType.hasPrefix(prefix), let version = blob.mediaType.firstRange(of: ".v1.") else {
                continue
            }
            let word = String(blob.mediaType[..<version.lowerBound].dropFirst(prefix.count))
            let isPrompt = blob.annotations?["ml.kitops.modelkit.layer-subtype"] == "prompt"
            let form = blob.mediaType[version.upperBound...].split(separator: "+").map(String.init)
            return (isPrompt ? "prompt" : kinds[word] ?? word, form)
        }
        return nil
    }

    private static func mode(_ blob: OCILayout.Descriptor) throws -> UInt16? {
        struct Metadata: Decodable { var mode: UInt16 }
        let annotations = blob.annotations ?? [:]
        let text =
            annotations["org.cncf.model.file.metadata+json"] ?? annotations["org.cnai.model.file.metadata+json"]
        return try text.map { try JSONDecoder().decode(Metadata.self, from: Data($0.utf8)).mode }
    }
}
