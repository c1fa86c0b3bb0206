// SPDX-License-Identifier: Apache-2.0
private import CZstd
internal import OCI

/// Decompresses a Zstandard stream of one or several frames by libzstd. Skippable frames are allowed.
///
/// Spec: RFC 8878. `windowLimit` bounds the memory for a frame's window.
public final class ZstdDecompressor: Decompressor {
    private let context: OpaquePointer?
    private let output: UnsafeMutableRawBufferPointer
    /// Bytes of the compressed stream taken so far.
    private var position: UInt64 = 0
    /// Whether the stream may end here.
    private var isBetweenFrames = false
    /// Whether the next byte is the first of a frame.
    private var isAtFrameStart = true

    private static let pieceSize = 1 << 20
    /// Frames whose window is larger are refused: 2^27 bytes, what `zstd --long` makes and takes.
    private static let windowLimit: Int32 = 27

    public init() {
        context = ZSTD_createDCtx()
        output = .allocate(byteCount: Self.pieceSize, alignment: 4096)
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLimit)
    }

    deinit {
        ZSTD_freeDCtx(context)
        output.deallocate()
    }

    public func push(_ bytes: RawSpan, output handOver: (RawSpan) throws -> Void) throws {
        try bytes.withUnsafeBytes { input in
            var source = ZSTD_inBuffer(src: input.baseAddress, size: 0, pos: 0)
            var mayHaveMore = false
            while source.pos < input.count || mayHaveMore {
                // libzstd accepts a frame that is complete in one piece where it refuses it in several, for example
                // with too large a window. The result must not depend on the pieces: it gets the first byte alone.
                source.size = isAtFrameStart ? min(source.pos + 1, input.count) : input.count
                var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
                let before = source.pos
                let result = ZSTD_decompressStream(context, &target, &source)
                guard ZSTD_isError(result) == 0 else {
                    throw CompressionError.corrupt(
                        .zstd, reason: String(cString: ZSTD_getErrorName(result)),
                        offset: position + UInt64(source.pos))
                }
                isBetweenFrames = result == 0
                isAtFrameStart = isBetweenFrames
                if target.pos > 0 { try handOver(UnsafeRawBufferPointer(output).bytes.extracting(0..<target.pos)) }
                // At the end of a frame no output is left, and another call would begin the next frame.
                mayHaveMore = target.pos == target.size && result != 0
                // libzstd guarantees progress. Without it, this loop would never end.
                guard source.pos > before || target.pos > 0 || !mayHaveMore && source.pos == source.size else {
                    throw CompressionError.corrupt(
                        .zstd, reason: "nothing can be made of it", offset: position + UInt64(source.pos))
                }
            }
            position += UInt64(input.count)
        }
    }

    /// The uncompressed length that the first frame states, in bytes; nil if it states none. `head`: the stream's first
    /// bytes.
    public static func contentSize(of head: [UInt8]) -> UInt64? {
        let size = head.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // ZSTD_CONTENTSIZE_UNKNOWN and _ERROR are the two largest numbers.
        return size <= UInt64(Int64.max) ? size : nil
    }

    public func finish() throws(CompressionError) {
        guard isBetweenFrames else { throw .truncated(.zstd, offset: position) }
    }
}
