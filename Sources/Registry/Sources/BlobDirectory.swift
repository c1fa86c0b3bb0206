// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import SystemPackage

/// The `blobs/` of an OCI image layout, and of kit's local store: a file for each blob, named by its digest.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs>.
struct BlobDirectory: Sendable {
    /// The directory that has `blobs` in it.
    let parent: String

    func path(of digest: Digest) -> String { "\(parent)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// Whether there is a file of the blob's size that can be opened; `fetch` says why if not.
    func has(_ blob: Descriptor) -> Bool {
        guard
            // A file that cannot be opened is as good as none here: the blob is fetched from elsewhere.
            let file = try? FileDescriptor.open(
                path(of: blob.digest), .readOnly, options: [.closeOnExec, .nonBlocking])
        else { return false }
        // Only read from: an error on closing loses nothing.
        defer { try? file.close() }
        // What cannot be sought, such as a pipe, is no blob.
        return (try? file.seek(offset: 0, from: .end)) == Int64(exactly: blob.size)
    }

    /// A manifest or index, verified against its digest.
    func document(_ digest: Digest) throws(SourceError) -> ResolvedDocument {
        let path = path(of: digest)
        guard let bytes = try SmallFile.read(path) else { throw .notFound("\(path) does not exist") }
        return try ResolvedDocument(bytes: bytes, expected: digest, at: path)
    }

    /// As `BlobSource.fetch`.
    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        let path = path(of: blob.digest)
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch Errno.noSuchFileOrDirectory {
            throw SourceError.notFound("\(path) does not exist")
        } catch Errno.permissionDenied {
            throw SourceError.unauthorized("\(path) cannot be read by this user")
        } catch {
            throw SourceError.unreachable("\(path): \(error)")
        }
        // Only read from: an error on closing loses nothing.
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
