// SPDX-License-Identifier: Apache-2.0
package import SystemPackage

/// The chunks of one layer as all processes share them: which are here, and who fetches which.
///
/// `StateFile` keeps them in a file. A claim excludes other processes, not other threads of this one, which have to agree
/// among themselves first.
package protocol ChunkClaims: Sendable {
    /// Size of the blob in bytes.
    var blobSize: UInt64 { get }
    /// The chunks' bytes as they stand; `StateFile.presentMark` for a chunk that is here.
    func chunkStates(_ chunks: Range<Int>) throws(Errno) -> [UInt8]
    /// To be called once the bytes of these chunks are written.
    func markPresent(_ chunks: Range<Int>) throws(Errno)
    /// Claims chunks for fetching; false if another process has any of them. Never waits.
    func claimChunks(_ chunks: Range<Int>) throws(Errno) -> Bool
    func releaseChunks(_ chunks: Range<Int>)
    /// Some run of these chunks that another process has claimed, not always the first; nil if there is none.
    func claimedElsewhere(_ chunks: Range<Int>) -> Range<Int>?
    /// Says who fetches these chunks, which are claimed and absent.
    func recordFetcher(_ participant: StateFile.Participant?, of chunks: Range<Int>) throws(Errno)
}

extension StateFile: ChunkClaims {}
