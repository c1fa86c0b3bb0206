// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of blobs come from. This is all that the layer store knows of registries.
public protocol BlobSource: Sendable {
    /// Fetches `range` (offsets in the blob) and hands it to `receive` in order, in pieces of any size.
    ///
    /// Blocks the calling thread, which must be one that may wait. Retries what is worth retrying, going on at the
    /// byte that was reached. Exactly `range` has been handed over when it returns; the bytes are not verified.
    /// An error that `receive` throws ends the transfer and comes out as it is; every other one is a `SourceError`.
    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws

    /// The bytes of a blob turned out to be wrong. True if they can be had elsewhere: then it is worth trying again.
    func distrust(_ blob: Descriptor) -> Bool

    /// A whole blob in memory, verified: for manifests and configs, never for layers.
    /// Throws `SourceError.unusable` if it is larger than `Manifest.sizeLimit` or its digest is another.
    func smallBlob(_ blob: Descriptor, at place: String) throws(SourceError) -> [UInt8]
}

/// A manifest with the digest that it was found, and checked, under.
public struct ResolvedManifest: Sendable {
    public let digest: Digest
    public let bytes: [UInt8]
    public let manifest: Manifest

    /// Throws `SourceError.unusable` if the bytes have another digest, or are no manifest.
    public init(bytes: [UInt8], expected: Digest?, at place: String) throws(SourceError) {
        let digest = DigestHasher.digest(of: bytes, expected?.algorithm ?? .sha256)
        if let expected, expected != digest {
            throw .unusable("\(place): the manifest should be \(expected) but its bytes are \(digest)")
        }
        do {
            manifest = try Manifest(parsing: bytes)
        } catch {
            throw .unusable("\(place): \(error)")
        }
        self.digest = digest
        self.bytes = bytes
    }
}

/// A source that can be asked for one artifact by its reference.
public protocol ArtifactSource: BlobSource {
    var reference: Reference { get }

    /// Looks up the reference's digest or else its tag, and checks the manifest. Throws `SourceError`.
    func resolve() throws(SourceError) -> ResolvedManifest
}

extension BlobSource {
    public func distrust(_ blob: Descriptor) -> Bool { false }

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
