// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

/// An artifact in a registry, whose blobs are taken from kit's local store where that has them: what `kit pull` has
/// brought needs no network. Tags mean what the registry says.
final class LocalFirstSource: SourceDecorator {
    let base: any ArtifactSource
    private let blobs: BlobDirectory
    /// Blobs whose bytes in the store turned out to be wrong; nil: not tried yet.
    private let trust = Mutex<[Digest: Bool]>([:])

    init(_ source: any ArtifactSource, blobs: BlobDirectory) {
        base = source
        self.blobs = blobs
    }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        if let digest = digest ?? reference.digest, let document = try? blobs.document(digest) { return document }
        return try base.resolve(digest)
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        guard trust.withLock({ $0[blob.digest] }) != false, blobs.has(blob) else {
            return try base.fetch(blob, range: range, cancellation: cancellation, receive: receive)
        }
        trust.withLock { $0[blob.digest] = true }
        var reached = range.start
        do {
            try blobs.fetch(blob, range: range, cancellation: cancellation) { piece in
                do { try receive(piece) } catch { throw ConsumerError(error: error) }
                reached += UInt64(piece.byteCount)
            }
        } catch let error as ConsumerError {
            throw error.error
        } catch SourceError.cancelled {
            throw SourceError.cancelled
        } catch {
            // Taken away, or unreadable: the registry has the rest.
            trust.withLock { $0[blob.digest] = false }
            try base.fetch(blob, range: range.suffix(from: reached), cancellation: cancellation, receive: receive)
        }
    }

    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        if trust.withLock({ $0[blob.digest] }) != false, blobs.has(blob) {
            return [[UInt8]?](repeating: nil, count: ranges.count)
        }
        return base.parts(of: blob, ranges, cancellation: cancellation)
    }

    func distrust(_ blob: Descriptor) -> Bool {
        let wasOurs = trust.withLock { trust in
            defer { trust[blob.digest] = false }
            return trust[blob.digest] == true
        }
        return wasOurs || base.distrust(blob)
    }
}
