// SPDX-License-Identifier: Apache-2.0
import Foundation

/// An OCI image layout (image-spec, image-layout.md): blobs by digest, and an index that names manifests by tag.
public struct OCILayout: Sendable {
    public struct Descriptor: Codable, Sendable {
        public var mediaType: String
        public var digest: String
        public var size: Int
        public var annotations: [String: String]?

        public var hex: String { String(digest.dropFirst("sha256:".count)) }

        var json: JSON {
            var members: [String: JSON] = [
                "mediaType": .string(mediaType), "digest": .string(digest), "size": .integer(size),
            ]
            if let annotations { members["annotations"] = .object(annotations.mapValues { .string($0) }) }
            return .object(members)
        }
    }

    private struct Index: Codable {
        var schemaVersion = 2
        var manifests: [Descriptor] = []
    }

    public static let manifestType = "application/vnd.oci.image.manifest.v1+json"
    public static let indexType = "application/vnd.oci.image.index.v1+json"
    static let tagAnnotation = "org.opencontainers.image.ref.name"
    public let directory: String

    /// - Parameter directory: created when the first blob is added.
    public init(directory: String) { self.directory = directory }

    /// Creates the missing parts of the layout, and keeps those that exist.
    func create() throws {
        try FileManager.default.createDirectory(
            atPath: directory + "/blobs/sha256", withIntermediateDirectories: true)
        try writeFile(directory + "/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    public func blobFile(_ hex: String) -> String { "\(directory)/blobs/sha256/\(hex)" }

    public func addBlob(
        _ bytes: [UInt8], mediaType: String, annotations: [String: String]? = nil
    ) throws -> Descriptor {
        try create()
        let hex = Sha256.hex(bytes)
        try writeFile(blobFile(hex), bytes)
        return Descriptor(
            mediaType: mediaType, digest: "sha256:" + hex, size: bytes.count, annotations: annotations)
    }

    /// Gives a manifest a tag. A manifest that had the tag before loses it and its place in the index.
    public func tag(_ manifest: Descriptor, as tag: String) throws {
        var index = Index()
        if FileManager.default.fileExists(atPath: directory + "/index.json") { index = try readIndex() }
        index.manifests.removeAll { $0.annotations?[Self.tagAnnotation] == tag }
        var named = manifest
        named.annotations = [Self.tagAnnotation: tag]
        index.manifests.append(named)
        try writeFile(directory + "/index.json", try Self.json(index))
    }

    /// The descriptor that a tag names.
    public func descriptor(of tag: String) throws -> Descriptor {
        let found = try readIndex().manifests.first { $0.annotations?[Self.tagAnnotation] == tag }
        guard let found else { throw TestSupportError("\(directory) has no tag \(tag)") }
        return found
    }

    /// Adds an image index (image-index.md) of manifests that already have tags.
    public func addIndex(of tags: [String], as tag: String) throws {
        let manifests = try tags.map { name -> JSON in
            var descriptor = try descriptor(of: name)
            descriptor.annotations = nil
            return descriptor.json
        }
        let index: JSON = ["schemaVersion": 2, "mediaType": .string(Self.indexType), "manifests": .array(manifests)]
        try self.tag(try addBlob(try index.bytes, mediaType: Self.indexType), as: tag)
    }

    private func readIndex() throws -> Index {
        try JSONDecoder().decode(Index.self, from: Data(try readFile(directory + "/index.json")))
    }

    /// The same value always gives the same bytes, so that digests do not change from run to run.
    static func json(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }
}
