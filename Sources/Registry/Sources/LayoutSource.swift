// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// An artifact in an OCI image layout on disk.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.
final class LayoutSource: ArtifactSource, OriginSource {
    let reference: Reference
    private let directory: String
    private let blobs: BlobDirectory

    init(_ reference: Reference, directory: String) {
        self.reference = reference
        self.directory = directory
        blobs = BlobDirectory(parent: directory)
    }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        if let digest = digest ?? reference.digest { return try blobs.document(digest) }
        guard let bytes = try SmallFile.read("\(directory)/index.json") else {
            throw .notFound("\(directory) is not an OCI image layout: it has no index.json")
        }
        let index: ImageIndex
        do { index = try ImageIndex(parsing: bytes) } catch { throw .unusable("\(directory)/index.json: \(error)") }
        let tag = reference.tag ?? .latest
        let tagged = index.manifests.filter { $0.annotations[ImageIndex.tagAnnotation] == tag.description }
        // Without a tag, the only artifact of a layout is meant.
        let only = tag == .latest && index.manifests.count == 1 ? index.manifests.first : nil
        guard let descriptor = tagged.last ?? only else {
            let known = index.manifests.compactMap { $0.annotations[ImageIndex.tagAnnotation] }
            throw .notFound(
                "\(directory) has no tag “\(tag)”"
                    + (known.isEmpty ? "" : "; it has \(known.prefix(10).joined(separator: ", "))"))
        }
        return try blobs.document(descriptor.digest)
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        try blobs.fetch(blob, range: range, cancellation: cancellation, receive: receive)
    }
}
