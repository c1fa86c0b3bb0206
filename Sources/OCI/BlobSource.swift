// SPDX-License-Identifier: Apache-2.0

/// Fetches blobs. The layer store knows nothing else of registries.
///
/// Only `smallBlob` has a default here, so that a source with others behind it cannot forget to forward. A source with
/// one behind it conforms to `SourceDecorator`, whose defaults forward; one with none, to `OriginSource`.
public protocol BlobSource: Sendable {
    /// Fetches `range` (offsets in the blob) and passes it to `receive` in order, in pieces of any size.
    ///
    /// Blocks the calling thread, which must be one that may wait. Transient failures are retried, from the byte
    /// reached on. When it returns, exactly `range` has been passed on; the bytes are not verified. An error that
    /// `receive` throws ends the transfer and is rethrown. Every other error is a `SourceError`, or `RangesIgnored`,
    /// after which the whole blob can be fetched.
    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws

    /// Fetches several small ranges of a blob in one request, where the server supports that. nil for each that did not
    /// come, which the caller then fetches by itself.
    ///
    /// Blocks the calling thread. The bytes are not verified. Nothing is retried, and errors are not reported: a cause
    /// that persists is reported by the single fetch.
    func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?]

    /// Reports that the bytes of a blob were wrong. True if another source may have the right ones, so that a retry may
    /// succeed.
    func distrust(_ blob: Descriptor) -> Bool

    /// Why a request is being retried, for messages to those who wait; nil if none is.
    var trouble: String? { get }

    /// A whole blob in memory, verified. For manifests and configs, not for layers.
    /// Throws `SourceError.unusable` if it is larger than `Manifest.sizeLimit` or its digest is another.
    func smallBlob(_ blob: Descriptor, at location: String) throws(SourceError) -> [UInt8]
}

extension BlobSource {
    public func smallBlob(_ blob: Descriptor, at location: String) throws(SourceError) -> [UInt8] {
        guard blob.size <= Manifest.sizeLimit else {
            throw .unusable("\(location): blob \(blob.digest) claims \(blob.size) bytes, over the limit of 8 MiB")
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
                throw .unusable("\(location): \(error)")
            }
            let digest = DigestHasher.digest(of: bytes, blob.digest.algorithm)
            if digest == blob.digest { return bytes }
            guard distrust(blob) else {
                throw .unusable("\(location): blob should be \(blob.digest) but its bytes are \(digest)")
            }
        }
    }
}
