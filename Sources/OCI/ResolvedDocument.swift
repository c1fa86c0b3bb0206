// SPDX-License-Identifier: Apache-2.0

/// The manifest or index that a reference names, with the digest that it was verified against.
public struct ResolvedDocument: Sendable {
    public enum Content: Sendable {
        case manifest(Manifest)
        case index(ImageIndex)
    }

    public let digest: Digest
    public let bytes: [UInt8]
    public let content: Content

    /// Throws `SourceError.unusable` if the bytes have another digest, or are neither a manifest nor an index.
    public init(bytes: [UInt8], expected: Digest?, at location: String) throws(SourceError) {
        let digest = DigestHasher.digest(of: bytes, expected?.algorithm ?? .sha256)
        if let expected, expected != digest {
            throw .unusable("\(location): the manifest should be \(expected) but its bytes are \(digest)")
        }
        self.digest = digest
        self.bytes = bytes
        do {
            content = try Self.parse(bytes)
        } catch {
            throw .unusable("\(location): \(error)")
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(ManifestError) -> Content {
        do {
            return .manifest(try Manifest(parsing: bytes))
        } catch .isIndex {
            return .index(try ImageIndex(parsing: bytes))
        }
    }
}

/// A manifest, with the digest that it was verified against.
public struct ResolvedManifest: Sendable {
    public let digest: Digest
    public let bytes: [UInt8]
    public let manifest: Manifest

    /// nil for an index.
    public init?(_ document: ResolvedDocument) {
        guard case .manifest(let manifest) = document.content else { return nil }
        digest = document.digest
        bytes = document.bytes
        self.manifest = manifest
    }
}
