// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI

/// Makes whole chunks of the small pieces that come from the network, so that each chunk is written by one call: that is
/// faster, and leaves it in the page cache in few large folios, from which it is read faster as well.
///
/// Belongs to one thread.
final class ChunkAssembler {
    private let end: UInt64
    /// Of the next byte that comes.
    private var position: UInt64
    private let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(StateFile.chunkSize), alignment: 4096)
    /// Bytes of the chunk that are in `memory`.
    private var held = 0

    /// `range`: from a chunk's start to a chunk's end.
    init(_ range: ByteRange) {
        position = range.start
        end = range.end
    }

    deinit { memory.deallocate() }

    /// Takes the next bytes. Hands over each chunk that they complete, with its offset; what it throws is thrown on.
    func take(_ piece: RawSpan, chunk: (RawSpan, UInt64) throws -> Void) throws {
        var done = 0
        while done < piece.byteCount {
            let start = position - UInt64(held)
            let size = Int(min(StateFile.chunkSize, end - start))
            let count = min(piece.byteCount - done, size - held)
            let bytes = piece.extracting(done..<(done + count))
            done += count
            position += UInt64(count)
            if count == size {
                // All of it at once: no need to copy.
                try chunk(bytes, start)
                continue
            }
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: memory[held...]).copyMemory(from: $0) }
            held += count
            guard held == size else { continue }
            held = 0
            try chunk(UnsafeRawBufferPointer(rebasing: memory[..<size]).bytes, start)
        }
    }
}
