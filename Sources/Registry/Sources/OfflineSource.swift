// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Stands for a registry that must not be accessed.
struct OfflineSource: ArtifactSource, OriginSource {
    let reference: Reference
    /// Registry and repository, the name in kit's local store.
    let name: String
    let store: LocalStore?

    /// Finds what `kit pull` has stored.
    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        let tag = reference.tag ?? .latest
        if digest == nil, reference.digest == nil, let store, let known = try store.digest(of: tag, in: name) {
            return try store.blobs.document(known)
        }
        throw .unreachable("\(reference) is not in the cache, and --offline asks nobody")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        throw SourceError.unreachable("blob \(blob.digest) is not in the cache, and --offline asks nobody")
    }
}
