// SPDX-License-Identifier: Apache-2.0
import Foundation

/// An OCI image layout (image-spec, image-layout.md): blobs by digest, and an index that names manifests by tag.
struct OCILayout {
    struct Descriptor: Codable {
        var mediaType: String
        var digest: String
        var size: Int
        var annotations: [String: String]?
    }

    private struct Index: Codable {
        var schemaVersion = 2
        var manifests: [Descriptor] = []
    }

    static let tagAnnotation = "org.opencontainers.image.ref.name"
    let directory: String

    /// Makes what is missing of the layout, and leaves what is there.
    func create() throws {
        try FileManager.default.createDirectory(
            atPath: directory + "/blobs/sha256", withIntermediateDirectories: true)
        try writeFile(directory + "/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    func addBlob(_ bytes: [UInt8], mediaType: String, annotations: [String: String]? = nil) throws -> Descriptor {
        let hex = Sha256.hex(bytes)
        try writeFile(directory + "/blobs/sha256/" + hex, bytes)
        return Descriptor(
            mediaType: mediaType, digest: "sha256:" + hex, size: bytes.count, annotations: annotations)
    }

    /// Names a manifest; a manifest that had the tag before loses it and its place in the index.
    func tag(_ manifest: Descriptor, as tag: String) throws {
        let path = directory + "/index.json"
        var index = Index()
        if FileManager.default.fileExists(atPath: path) {
            index = try JSONDecoder().decode(Index.self, from: Data(try readFile(path)))
        }
        index.manifests.removeAll { $0.annotations?[Self.tagAnnotation] == tag }
        var named = manifest
        named.annotations = [Self.tagAnnotation: tag]
        index.manifests.append(named)
        try writeFile(path, try Self.json(index))
    }

    /// The same value always gives the same bytes, so that digests do not change from run to run.
    static func json(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }
}
