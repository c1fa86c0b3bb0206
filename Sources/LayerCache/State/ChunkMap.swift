// SPDX-License-Identifier: Apache-2.0
package import OCI
package import SystemPackage
private import Synchronization

/// Which chunks of a blob are here, as far as this process knows: what is here once stays, so only what is not known to
/// be here is looked up in the state file.
package final class ChunkMap: Sendable {
    private struct Known: Sendable {
        var words: [UInt64]
        var count = 0
        /// How many were known when somebody last took the news.
        var told = 0
        /// All chunks before it are here.
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

    /// Reads what is here.
    package init(_ state: any ChunkClaims) throws(Errno) {
        self.state = state
        blobSize = state.blobSize
        count = StateFile.chunkCount(of: state.blobSize)
        known = Mutex(Known(words: [UInt64](repeating: 0, count: (count + 63) / 64)))
        _ = try refresh(0..<count)
        _ = takeNews()
    }

    /// Looks anew at these chunks; true if more of them are here than was known.
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

    /// Whether more is known to be here than when this was last asked. Whoever looks, claims or fetches may learn of chunks
    /// that others wait for; asking this afterwards tells whether somebody is to be told.
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

    /// The chunks that these bytes of the blob lie in.
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

    /// The first run of chunks that are not here, at most `limit` long.
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

    /// Bytes of these chunks that are not here.
    package func missingBytes(in chunks: Range<Int>) -> UInt64 {
        let missing = known.withLock { known in chunks.filter { !known.has($0) } }
        return missing.reduce(0) { $0 + bytes(of: $1..<($1 + 1)).count }
    }

    /// All chunks before it are here.
    package var frontChunk: Int { known.withLock { $0.front } }
    /// Bytes of the blob that are here without a gap from its start on.
    package var front: UInt64 { min(UInt64(frontChunk) * StateFile.chunkSize, blobSize) }
    package var isWhole: Bool { frontChunk == count }

    /// Whether each chunk is here.
    package var presence: [Bool] { known.withLock { known in (0..<count).map { known.has($0) } } }

    /// Bytes of the blob that are here.
    package var presentBytes: UInt64 {
        known.withLock { known in
            let isLastHere = count > 0 && known.has(count - 1)
            let excess = UInt64(count) * StateFile.chunkSize - blobSize
            return UInt64(known.count) * StateFile.chunkSize - (isLastHere ? excess : 0)
        }
    }
}
