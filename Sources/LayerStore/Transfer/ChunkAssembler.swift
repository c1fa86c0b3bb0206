// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI

/// Assembles whole chunks from the small pieces of a response, so that each chunk is written by one call. That is
/// faster, and the page cache then holds the chunk in few large folios, which are faster to read as well.
///
/// Belongs to one thread.
final class ChunkAssembler {
    private let end: UInt64
    /// The offset of the next byte that arrives.
    private var position: UInt64
    private let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(StateFile.chunkSize), alignment: 4096)
    /// Bytes of the current chunk that are in `memory`.
    private var held = 0

    /// `range`: from a chunk's start to a chunk's end.
    init(_ range: ByteRange) {
        position = range.start
        end = range.end
    }

    deinit { memory.deallocate() }

    /// Takes the next bytes. Calls `chunk` with each chunk that they complete and its offset, and rethrows its errors.
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
                // The piece contains the whole chunk, so no copy is needed.
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
