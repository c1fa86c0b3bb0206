// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
private import FoundationEssentials
internal import Glibc
public import OCI
package import SystemPackage

/// `blobs/` and `refs/`: manifests, configs, and the digests of tags.
extension CacheDirectory {
    /// nil if the blob is not cached, or its bytes do not have this digest.
    package func blob(_ digest: Digest) -> [UInt8]? {
        // A cache that has no blobs of this algorithm has no such directory.
        guard let directory = try? blobs.directory(digest.algorithm.rawValue),
            let bytes = directory.contents(of: digest.hex, atMost: UInt64(Manifest.sizeLimit)),
            DigestHasher.digest(of: bytes, digest.algorithm) == digest
        else { return nil }
        return bytes
    }

    /// `bytes` must have this digest: it is not checked again.
    package func saveBlob(_ digest: Digest, _ bytes: [UInt8]) throws(Errno) {
        let directory = try blobs.makeDirectory(digest.algorithm.rawValue)
        try replaceFile(digest.hex, in: directory, with: bytes)
    }

    package struct TagRecord: Codable, Equatable {
        package let digest: Digest
        /// Seconds since 1970.
        package let resolved: Int64
    }

    /// The largest record that is read, in bytes. A record takes some 120.
    private static let tagRecordLimit: UInt64 = 4096

    package func tagRecord(of reference: Reference) -> TagRecord? {
        guard let (directories, tag) = Self.tagPath(reference) else { return nil }
        var parent = refs
        for name in directories {
            guard let next = try? parent.directory(name) else { return nil }
            parent = next
        }
        guard let bytes = parent.contents(of: tag, atMost: Self.tagRecordLimit) else { return nil }
        // A record that does not decode is as good as none.
        return try? JSONDecoder().decode(TagRecord.self, from: Data(bytes))
    }

    /// The digest that a reference's tag had when it was last resolved, and that time, in seconds since 1970.
    public func lastResolution(of reference: Reference) -> (digest: Digest, time: Int64)? {
        tagRecord(of: reference).map { ($0.digest, $0.resolved) }
    }

    package func saveTagRecord(_ reference: Reference, _ digest: Digest) throws {
        guard let (directories, tag) = Self.tagPath(reference) else { return }
        let record = try JSONEncoder().encode(TagRecord(digest: digest, resolved: Int64(time(nil))))
        var parent = refs
        for name in directories { parent = try parent.makeDirectory(name) }
        try replaceFile(tag, in: parent, with: Array(record))
    }

    /// No part of a host, repository or tag is `.` or `..` or has a slash: their types ensure that. No part of a
    /// repository starts with `_`, so `_tags` is free.
    private static func tagPath(_ reference: Reference) -> (directories: [String], file: String)? {
        guard case .registry(let host, let repository) = reference.origin, let tag = reference.tag else { return nil }
        let parts = repository.description.split(separator: "/").map(String.init)
        return ([host.description] + parts + ["_tags"], tag.description == "." ? "_" : tag.description)
    }
}

/// A source whose small blobs are kept in the cache: manifests, configs, and the digest that a tag was last resolved
/// to.
public struct CachedArtifactSource: SourceDecorator {
    public let base: any ArtifactSource
    private let cache: CacheDirectory
    /// Caches of others, which are read but not written.
    private let shared: [CacheDirectory]
    /// Whether tags are looked up in the cache instead of at the source.
    private let isOffline: Bool

    public init(
        _ source: any ArtifactSource, cache: CacheDirectory, shared: [CacheDirectory] = [], isOffline: Bool
    ) {
        base = source
        self.cache = cache
        self.shared = shared
        self.isOffline = isOffline
    }

    public func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        let expected = digest ?? reference.digest
        let known = expected ?? (isOffline ? lastKnownDigest : nil)
        if let known, let bytes = blob(known) {
            return try ResolvedDocument(bytes: bytes, expected: known, at: "\(cache.path)")
        }
        let resolved = try base.resolve(digest)
        // A blob that cannot be cached is fetched again next time. This call succeeds all the same.
        try? cache.saveBlob(resolved.digest, resolved.bytes)
        if expected == nil { try? cache.saveTagRecord(reference, resolved.digest) }
        return resolved
    }

    public func smallBlob(_ blob: Descriptor, at place: String) throws(SourceError) -> [UInt8] {
        if let bytes = self.blob(blob.digest) { return bytes }
        let bytes = try base.smallBlob(blob, at: place)
        try? cache.saveBlob(blob.digest, bytes)
        return bytes
    }

    private func blob(_ digest: Digest) -> [UInt8]? {
        ([cache] + shared).lazy.compactMap { $0.blob(digest) }.first
    }

    /// The digest that the tag was last resolved to, in any of the caches.
    private var lastKnownDigest: Digest? {
        ([cache] + shared).compactMap { $0.tagRecord(of: reference) }.max { $0.resolved < $1.resolved }?.digest
    }
}
