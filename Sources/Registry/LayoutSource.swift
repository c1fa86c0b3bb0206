// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import SystemPackage

/// An artifact in an OCI image layout on disk.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.
final class LayoutSource: ArtifactSource {
    let reference: Reference
    private let directory: String

    init(_ reference: Reference, directory: String) {
        self.reference = reference
        self.directory = directory
    }

    func resolve() throws(SourceError) -> ResolvedManifest {
        if let digest = reference.digest {
            return try manifest(digest)
        }
        guard let bytes = try SmallFile.read("\(directory)/index.json") else {
            throw .notFound("\(directory) is not an OCI image layout: it has no index.json")
        }
        let index: ImageIndex
        do { index = try ImageIndex(parsing: bytes) } catch { throw .unusable("\(directory)/index.json: \(error)") }
        let tag = reference.tag ?? .latest
        let tagged = index.manifests.filter { $0.annotations[ImageIndex.tagAnnotation] == tag.description }
        // A layout of one artifact needs no tag.
        let only = tag == .latest && index.manifests.count == 1 ? index.manifests.first : nil
        guard let descriptor = tagged.last ?? only else {
            let known = index.manifests.compactMap { $0.annotations[ImageIndex.tagAnnotation] }
            throw .notFound(
                "\(directory) has no tag “\(tag)”"
                    + (known.isEmpty ? "" : "; it has \(known.prefix(10).joined(separator: ", "))"))
        }
        return try manifest(descriptor.digest)
    }

    private func manifest(_ digest: Digest) throws(SourceError) -> ResolvedManifest {
        let path = path(of: digest)
        guard let bytes = try SmallFile.read(path) else { throw .notFound("\(path) is not there") }
        return try ResolvedManifest(bytes: bytes, expected: digest, at: path)
    }

    private func path(of digest: Digest) -> String { "\(directory)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        let path = path(of: blob.digest)
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch Errno.noSuchFileOrDirectory {
            throw SourceError.notFound("\(path) is not there")
        } catch Errno.permissionDenied {
            throw SourceError.unauthorized("\(path) may not be read by this user")
        } catch {
            throw SourceError.unreachable("\(path): \(error)")
        }
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: Int(min(range.count, 1 << 20)))
        var reached = range.start
        while reached < range.end {
            if cancellation.isCancelled { throw SourceError.cancelled }
            let count: Int
            do {
                count = try buffer.withUnsafeMutableBytes { bytes in
                    let wanted = UnsafeMutableRawBufferPointer(
                        rebasing: bytes[0..<Int(min(UInt64(bytes.count), range.end - reached))])
                    return try file.read(fromAbsoluteOffset: Int64(reached), into: wanted)
                }
            } catch {
                throw SourceError.unreachable("\(path): \(error)")
            }
            guard count > 0 else {
                throw SourceError.unusable("\(path) ends at \(reached), the manifest says \(blob.size) bytes")
            }
            try receive(buffer.span.bytes.extracting(0..<count))
            reached += UInt64(count)
        }
    }
}
