// SPDX-License-Identifier: Apache-2.0
public import OCI

/// Decompresses a stream piece by piece. Used by one thread at a time.
public protocol Decompressor: AnyObject {
    /// Takes the next compressed bytes and passes the decompressed ones on, in order, in pieces of at most 1 MiB.
    /// Throws `CompressionError`, and what `output` throws.
    func push(_ bytes: RawSpan, output: (RawSpan) throws -> Void) throws
    /// To be called at the end of the input. Throws `CompressionError.truncated` if the stream has not ended.
    func finish() throws(CompressionError)
}

/// Why a compressed stream cannot be read. Offsets are bytes of the compressed stream.
public enum CompressionError: Error, Equatable {
    case corrupt(LayerForm.Compression, reason: String, offset: UInt64)
    case truncated(LayerForm.Compression, offset: UInt64)
}

extension CompressionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .corrupt(let compression, let reason, let offset): "\(compression) at \(offset): \(reason)"
        case .truncated(let compression, let offset): "the \(compression) stream is truncated at \(offset)"
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
