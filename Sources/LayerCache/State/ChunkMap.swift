// SPDX-License-Identifier: Apache-2.0
package import OCI
package import SystemPackage
private import Synchronization

/// The chunks of a blob that this process knows to be present. A present chunk stays, so only chunks that are not known
/// to be present are looked up in the state file.
package final class ChunkMap: Sendable {
    private struct Known: Sendable {
        var words: [UInt64]
        var count = 0
        /// The value of `count` at the last `takeNews`.
        var told = 0
        /// All chunks before this one are present.
        var front = 0

        func has(_ chunk: Int) -> Bool { words[chunk >> 6] >> UInt64(chunk & 63) & 1 != 0 }

        mutating func insert(_ chunk: Int) {
            guard !has(chunk) else { return }
            words[chunk >> 6] |= 1 << UInt64(chunk & 63)
            count += 1
        }

        mutating func moveFront(_ end: Int) {
            while front < end, has(front) { front += 1 }
        }
    }

    private let state: any ChunkClaims
    private let known: Mutex<Known>
    package let blobSize: UInt64
    package let count: Int

    /// Reads which chunks are present.
    package init(_ state: any ChunkClaims) throws(Errno) {
        self.state = state
        blobSize = state.blobSize
        count = StateFile.chunkCount(of: state.blobSize)
        known = Mutex(Known(words: [UInt64](repeating: 0, count: (count + 63) / 64)))
        _ = try refresh(0..<count)
        _ = takeNews()
    }

    /// Reads the state of these chunks again. Returns true if more of them are present than was known.
    package func refresh(_ chunks: Range<Int>) throws(Errno) -> Bool {
        guard !chunks.isEmpty else { return false }
        let states = try state.chunkStates(chunks)
        return known.withLock { known in
            let before = known.count
            for (chunk, state) in zip(chunks, states) where state == StateFile.presentMark { known.insert(chunk) }
            known.moveFront(count)
            return known.count != before
        }
    }

    /// Whether more chunks are known to be present than at the last call. Any refresh, claim or fetch may find chunks
    /// that waiters need. A call of this afterwards says whether waiters must be told.
    package func takeNews() -> Bool {
        known.withLock { known in
            defer { known.told = known.count }
            return known.count > known.told
        }
    }

    package func insert(_ chunks: Range<Int>) {
        known.withLock { known in
            for chunk in chunks { known.insert(chunk) }
            known.moveFront(count)
        }
    }

    /// The chunks that contain these bytes of the blob.
    package func chunks(of range: ByteRange) -> Range<Int> {
        let end = min(range.end, blobSize)
        guard range.start < end else { return 0..<0 }
        return Int(range.start / StateFile.chunkSize)..<Int((end + StateFile.chunkSize - 1) / StateFile.chunkSize)
    }

    package func bytes(of chunks: Range<Int>) -> ByteRange {
        let start = min(UInt64(chunks.lowerBound) * StateFile.chunkSize, blobSize)
        let end = min(UInt64(chunks.upperBound) * StateFile.chunkSize, blobSize)
        return ByteRange(start: start, count: max(start, end) - start) ?? ByteRange(upTo: 0)
    }

    package func hasAll(_ chunks: Range<Int>) -> Bool {
        known.withLock { known in chunks.upperBound <= known.front || chunks.allSatisfy(known.has) }
    }

    /// The first run of absent chunks, at most `limit` long.
    package func missing(in chunks: Range<Int>, limit: Int = .max) -> Range<Int>? {
        known.withLock { known in
            var first = max(chunks.lowerBound, min(known.front, chunks.upperBound))
            while first < chunks.upperBound, known.has(first) { first += 1 }
            guard first < chunks.upperBound else { return nil }
            var end = first + 1
            while end < chunks.upperBound, end - first < limit, !known.has(end) { end += 1 }
            return first..<end
        }
    }

    /// Bytes of these chunks that are absent.
    package func missingBytes(in chunks: Range<Int>) -> UInt64 {
        let missing = known.withLock { known in chunks.filter { !known.has($0) } }
        return missing.reduce(0) { $0 + bytes(of: $1..<($1 + 1)).count }
    }

    /// All chunks before this one are present.
    package var frontChunk: Int { known.withLock { $0.front } }
    /// Bytes of the blob that are present from its start, without a gap.
    package var front: UInt64 { min(UInt64(frontChunk) * StateFile.chunkSize, blobSize) }
    package var isWhole: Bool { frontChunk == count }

    /// Whether each chunk is present.
    package var presence: [Bool] { known.withLock { known in (0..<count).map { known.has($0) } } }

    /// Bytes of the blob that are present.
    package var presentBytes: UInt64 {
        known.withLock { known in
            let isLastHere = count > 0 && known.has(count - 1)
            let excess = UInt64(count) * StateFile.chunkSize - blobSize
            return UInt64(known.count) * StateFile.chunkSize - (isLastHere ? excess : 0)
        }
    }
}
