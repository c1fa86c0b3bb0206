// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// An artifact in kit's local store.
final class LocalStoreSource: ArtifactSource, OriginSource {
    let reference: Reference
    private let repository: Repository
    private let store: LocalStore

    init(_ reference: Reference, repository: Repository, store: LocalStore) {
        self.reference = reference
        self.repository = repository
        self.store = store
    }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        if let digest = digest ?? reference.digest { return try store.blobs.document(digest) }
        let name = repository.description
        let known = try store.tags(of: name.hasPrefix("localhost/") ? name : "localhost/" + name)
        guard let known else {
            throw .notFound(
                "“\(name)” has no host, so it would be in kit's local store \(store.path), which has no such "
                    + "repository; write HOST/\(name) for one in a registry, or oci:DIR for an OCI image layout")
        }
        let tag = reference.tag ?? .latest
        guard let descriptor = known[tag.description] else {
            throw .notFound(
                "kit's local store \(store.path) has no tag “\(tag)” of \(name)"
                    + (known.isEmpty ? "" : "; it has \(known.keys.sorted().prefix(10).joined(separator: ", "))"))
        }
        return try store.blobs.document(descriptor.digest)
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        try store.blobs.fetch(blob, range: range, cancellation: cancellation, receive: receive)
    }
}
