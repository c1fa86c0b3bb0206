// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import SystemPackage

/// Marks chunks as present once all of their bytes are written.
struct ChunkMarker {
    let state: StateFile
    let run: ByteRange
    /// The next byte of the blob.
    private(set) var position: UInt64
    /// The first chunk that is not marked.
    private(set) var markedChunks: Int

    init(state: StateFile, run: ByteRange) {
        self.state = state
        self.run = run
        position = run.start
        markedChunks = Int(run.start / StateFile.chunkSize)
    }

    /// So many more bytes are written. Returns the chunks that they complete.
    mutating func advance(by count: Int) throws(Errno) -> Range<Int>? {
        position += UInt64(count)
        // The blob's last chunk may be short, and is whole when the blob ends.
        let whole = position == state.blobSize ? state.chunkCount : Int(position / StateFile.chunkSize)
        guard whole > markedChunks else { return nil }
        let arrived = markedChunks..<whole
        try state.markPresent(arrived)
        markedChunks = whole
        return arrived
    }
}
