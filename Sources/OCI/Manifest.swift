// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials

/// An OCI image manifest.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/manifest.md>. Kits of before 2026 have neither
/// `mediaType` nor `artifactType`, and `"layers": null` where there are none.
public struct Manifest: Hashable, Sendable {
    public let mediaType: MediaType?
    public let artifactType: MediaType?
    public let config: Descriptor
    public let layers: [Descriptor]
    public let annotations: [String: String]

    /// The largest manifest, index or config that is read, in bytes. A kit of 50,000 layers is smaller.
    public static let sizeLimit: UInt64 = 8 << 20

    public init(parsing bytes: [UInt8]) throws(ManifestError) {
        let wire: Wire
        do {
            wire = try JSONDecoder().decode(Wire.self, from: Data(bytes))
        } catch {
            throw .malformed(reason: JSONReason.describe(error))
        }
        guard wire.schemaVersion == 2 else { throw .malformed(reason: "schemaVersion is \(wire.schemaVersion), not 2") }
        guard let config = wire.config else {
            throw wire.manifests == nil ? .malformed(reason: "it has no config") : .isIndex
        }
        mediaType = wire.mediaType
        artifactType = wire.artifactType
        self.config = config
        layers = wire.layers ?? []
        annotations = wire.annotations ?? [:]
    }

    private struct Wire: Decodable {
        let schemaVersion: Int
        let mediaType: MediaType?
        let artifactType: MediaType?
        let config: Descriptor?
        let layers: [Descriptor]?
        let manifests: [Descriptor]?
        let annotations: [String: String]?
    }
}

public enum ManifestError: Error, Equatable, CustomStringConvertible {
    case malformed(reason: String)
    /// It is an image index, which lists manifests instead of layers.
    case isIndex

    public var description: String {
        switch self {
        case .malformed(let reason): "the manifest is malformed: \(reason)"
        case .isIndex: "it is an image index, which names manifests instead of layers"
        }
    }
}
