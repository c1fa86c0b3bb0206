// SPDX-License-Identifier: Apache-2.0
internal import OCI
private import Synchronization

/// An artifact in a registry, whose blobs are taken from kit's local store if that has them, so that what `kit pull`
/// has stored needs no network. Tags are resolved by the registry.
final class LocalFirstSource: SourceDecorator {
    let base: any ArtifactSource
    private let blobs: BlobDirectory
    /// Whether the store's bytes of a blob can be used. False after they were wrong or unreadable; nil before the first
    /// use.
    private let trust = Mutex<[Digest: Bool]>([:])

    init(_ source: any ArtifactSource, blobs: BlobDirectory) {
        base = source
        self.blobs = blobs
    }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        // A document that is missing, damaged or unreadable comes from the registry.
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
            // Deleted meanwhile, or unreadable: the rest comes from the registry.
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
