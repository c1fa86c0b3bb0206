// SPDX-License-Identifier: Apache-2.0
package import OCI
package import SystemPackage

/// Marks chunks as present once all of their bytes are written.
package struct ChunkMarker {
    package let state: any ChunkClaims
    package let run: ByteRange
    /// The offset in the blob of the next byte to be written.
    package private(set) var position: UInt64
    /// The first chunk that is not marked yet.
    package private(set) var markedChunks: Int

    package init(state: any ChunkClaims, run: ByteRange) {
        self.state = state
        self.run = run
        position = run.start
        markedChunks = Int(run.start / StateFile.chunkSize)
    }

    /// Notes that `count` more bytes are written, and marks the chunks that they complete. Returns those chunks.
    package mutating func advance(by count: Int) throws(Errno) -> Range<Int>? {
        position += UInt64(count)
        // The blob's last chunk may be short. It is complete when the blob ends.
        let whole =
            position == state.blobSize ? StateFile.chunkCount(of: state.blobSize) : Int(position / StateFile.chunkSize)
        guard whole > markedChunks else { return nil }
        let arrived = markedChunks..<whole
        try state.markPresent(arrived)
        markedChunks = whole
        return arrived
    }
}
