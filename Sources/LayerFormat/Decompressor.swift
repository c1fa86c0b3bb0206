// SPDX-License-Identifier: Apache-2.0
public import OCI

/// Undoes a compression piece by piece, as the compressed bytes come. Belongs to one thread at a time.
public protocol Decompressor: AnyObject {
    /// Takes the next compressed bytes and hands over what they were made from, in order, in pieces of at most 1 MiB.
    /// Throws `CompressionError`, and what `output` throws.
    func push(_ bytes: RawSpan, output: (RawSpan) throws -> Void) throws
    /// To be called when no more bytes come. Throws `CompressionError.truncated` in the middle of the stream.
    func finish() throws(CompressionError)
}

/// Why a compressed stream cannot be read. Offsets are in the compressed stream.
public enum CompressionError: Error, Equatable {
    case corrupt(LayerForm.Compression, reason: String, offset: UInt64)
    case truncated(LayerForm.Compression, offset: UInt64)
}

extension CompressionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .corrupt(let compression, let reason, let offset): "\(compression) at \(offset): \(reason)"
        case .truncated(let compression, let offset): "the \(compression) stream ends in the middle, at \(offset)"
        }
    }
}

extension LayerForm.Compression {
    public func makeDecompressor() -> any Decompressor {
        switch self {
        case .gzip: GzipInflater()
        case .zstd: ZstdDecompressor()
        }
    }
}
