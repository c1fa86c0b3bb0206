// SPDX-License-Identifier: Apache-2.0

extension KitBuilder {
    /// One layer and its element in the Kitfile.
    public struct Layer: Sendable {
        public enum Archive: String, Sendable, CaseIterable { case tar, raw }

        /// The values in a raw layer's annotation `org.cncf.model.file.metadata+json`.
        public struct Metadata: Sendable {
            public var mode: UInt16
            public var size: Int

            public init(mode: UInt16, size: Int) {
                self.mode = mode
                self.size = size
            }
        }

        public var kind: Kind
        /// The element's path, as its author would spell it.
        public var path: String
        /// Uncompressed: a tar, or the one file of a raw layer.
        public var content: [UInt8]
        public var archive: Archive
        public var compression: Compression?
        /// The number of gzip members or zstd frames.
        public var pieces = 1
        public var name: String?
        /// The annotation that gives a layer's path.
        public var filepath: String?
        public var metadata: Metadata?
        /// Changes the blob, to damage it.
        public var damage: (@Sendable ([UInt8]) -> [UInt8])?
        /// The size in the manifest, if it is not the blob's.
        public var claimedSize: Int?
        /// A blob that is already in the registry, to be used instead of `content`. See
        /// ``DockerRegistry/plant(_:hex:in:)``.
        public var planted: (hex: String, size: Int)?

        public init(_ kind: Kind, _ path: String, tar: [UInt8]) {
            (self.kind, self.path, content, archive) = (kind, path, tar, .tar)
        }

        public init(_ kind: Kind, _ path: String, raw: [UInt8]) {
            (self.kind, self.path, content, archive) = (kind, path, raw, .raw)
        }

        /// The blob as a registry stores it.
        public var blob: [UInt8] {
            get throws {
                let blob = try compression?.compress(content, pieces: pieces) ?? content
                return damage?(blob) ?? blob
            }
        }
    }

    struct PackedLayer {
        var layer: Layer
        var descriptor: OCILayout.Descriptor
    }
}

extension KitBuilder.Layer {
    func mediaType(in family: KitBuilder.Family) -> String {
        let form = archive.rawValue + (compression.map { "+\($0.rawValue)" } ?? "")
        return switch family {
        case .modelKit: "application/vnd.kitops.modelkit.\(modelKitKind).v1.\(form)"
        case .modelPack: "application/vnd.cncf.model.\(modelPackKind).v1.\(form)"
        case .oldModelPack: "application/vnd.cnai.model.\(modelPackKind).v1.\(form)"
        }
    }

    private var modelKitKind: String {
        switch kind {
        // A prompt is a code layer with an annotation.
        case .prompt: "code"
        case .mcpServer: "mcpb"
        default: kind.rawValue
        }
    }

    private var modelPackKind: String {
        switch kind {
        case .model: "weight"
        case .modelpart: "weight.config"
        case .docs: "doc"
        case .dataset: "dataset"
        case .code, .prompt, .mcpServer: "code"
        }
    }

    func descriptorAnnotations(in family: KitBuilder.Family) throws -> [String: String]? {
        let prefix = family == .oldModelPack ? "org.cnai.model" : "org.cncf.model"
        var result: [String: String] = [:]
        result["\(prefix).filepath"] = filepath
        if let metadata {
            let text: JSON = [
                "name": .string(String(path.split(separator: "/").last ?? "")), "mode": .integer(Int(metadata.mode)),
                "uid": 0, "gid": 0, "size": .integer(metadata.size), "mtime": "2025-01-02T03:04:05Z", "typeflag": 0,
            ]
            result["\(prefix).file.metadata+json"] = String(decoding: try text.bytes, as: UTF8.self)
        }
        if kind == .prompt { result["ml.kitops.modelkit.layer-subtype"] = "prompt" }
        return result.isEmpty ? nil : result
    }
}
