// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of blobs come from. This is all that the layer store knows of registries.
///
/// Nothing here but `smallBlob` has a default: a source that stands before others must say of each what it does with it.
/// Before one other that is `SourceDecorator`, whose defaults forward; with nothing behind it, `OriginSource`.
public protocol BlobSource: Sendable {
    /// Fetches `range` (offsets in the blob) and hands it to `receive` in order, in pieces of any size.
    ///
    /// Blocks the calling thread, which must be one that may wait. Retries what is worth retrying, going on at the
    /// byte that was reached. Exactly `range` has been handed over when it returns; the bytes are not verified.
    /// An error that `receive` throws ends the transfer and comes out as it is; every other one is a `SourceError`, or
    /// `RangesIgnored`, of which the whole blob is an answer.
    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws

    /// Small parts of a blob by one request, where the place answers such: nil for each that did not come so, which is
    /// then to be fetched by itself. A gain or nothing: it is not tried again, and why it failed the single fetch tells.
    ///
    /// Blocks the calling thread. The bytes are not verified.
    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?]

    /// The bytes of a blob turned out to be wrong. True if they can be had elsewhere: then it is worth trying again.
    func distrust(_ blob: Descriptor) -> Bool

    /// What went wrong last with something that is being tried again, for who waits; nil while all goes well.
    var trouble: String? { get }

    /// A whole blob in memory, verified: for manifests and configs, never for layers.
    /// Throws `SourceError.unusable` if it is larger than `Manifest.sizeLimit` or its digest is another.
    func smallBlob(_ blob: Descriptor, at place: String) throws(SourceError) -> [UInt8]
}

/// A source that can be asked for one artifact by its reference.
public protocol ArtifactSource: BlobSource {
    var reference: Reference { get }

    /// Looks up a manifest or index by its digest, or, without one, by what the reference says: its digest, else its
    /// tag. The bytes have been checked against the digest. Throws `SourceError`.
    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument
}

extension ArtifactSource {
    public func resolve() throws(SourceError) -> ResolvedDocument { try resolve(nil) }
}

extension BlobSource {
    public func smallBlob(_ blob: Descriptor, at place: String) throws(SourceError) -> [UInt8] {
        guard blob.size <= Manifest.sizeLimit else {
            throw .unusable("\(place): blob \(blob.digest) claims \(blob.size) bytes, over the limit of 8 MiB")
        }
        while true {
            var bytes: [UInt8] = []
            do {
                try fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) { piece in
                    piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
                }
            } catch let error as SourceError {
                throw error
            } catch {
                throw .unusable("\(place): \(error)")
            }
            let digest = DigestHasher.digest(of: bytes, blob.digest.algorithm)
            if digest == blob.digest { return bytes }
            guard distrust(blob) else {
                throw .unusable("\(place): blob should be \(blob.digest) but its bytes are \(digest)")
            }
        }
    }
}
