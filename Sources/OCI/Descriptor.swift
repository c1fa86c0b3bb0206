// SPDX-License-Identifier: Apache-2.0

/// The description of a blob in a manifest.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/descriptor.md>.
public struct Descriptor: Hashable, Sendable, Codable {
    public let mediaType: MediaType
    public let digest: Digest
    /// Size of the blob in bytes, 0 ... `Int64.max`.
    public let size: UInt64
    /// The type of the artifact, of a manifest in an index; nil where it is not stated.
    public let artifactType: MediaType?
    public let annotations: [String: String]

    public init(
        mediaType: MediaType, digest: Digest, size: UInt64, artifactType: MediaType? = nil,
        annotations: [String: String] = [:]
    ) {
        precondition(size <= UInt64(Int64.max))
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.artifactType = artifactType
        self.annotations = annotations
    }

    private enum CodingKeys: CodingKey { case mediaType, digest, size, artifactType, annotations }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decode(MediaType.self, forKey: .mediaType)
        digest = try container.decode(Digest.self, forKey: .digest)
        let signed = try container.decode(Int64.self, forKey: .size)
        guard let size = UInt64(exactly: signed) else {
            throw DecodingError.dataCorruptedError(
                forKey: .size, in: container, debugDescription: "size \(signed) is negative")
        }
        self.size = size
        // It only saves requests: a malformed one is as good as none.
        artifactType = try? container.decodeIfPresent(MediaType.self, forKey: .artifactType)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
    }
}
