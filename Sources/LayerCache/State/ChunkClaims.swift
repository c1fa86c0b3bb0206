// SPDX-License-Identifier: Apache-2.0
package import SystemPackage

/// The chunks of one layer as all processes share them: which are present, and which process fetches each of the
/// others.
///
/// `StateFile` keeps this in a file. A claim excludes other processes, not other threads of this one: those must agree
/// among themselves first.
package protocol ChunkClaims: Sendable {
    /// Size of the blob in bytes.
    var blobSize: UInt64 { get }
    /// The chunks' state bytes, as in the file. `StateFile.presentMark` means present.
    func chunkStates(_ chunks: Range<Int>) throws(Errno) -> [UInt8]
    /// Marks chunks as present. Call it after the bytes of these chunks are written.
    func markPresent(_ chunks: Range<Int>) throws(Errno)
    /// Claims chunks for fetching. Returns false if another process has claimed any of them. Never waits.
    func claimChunks(_ chunks: Range<Int>) throws(Errno) -> Bool
    func releaseChunks(_ chunks: Range<Int>)
    /// A run of these chunks that another process has claimed; nil if there is none. It is not always the first one.
    func claimedElsewhere(_ chunks: Range<Int>) -> Range<Int>?
    /// Records who fetches these chunks, which are claimed and absent.
    func recordFetcher(_ participant: StateFile.Participant?, of chunks: Range<Int>) throws(Errno)
}

extension StateFile: ChunkClaims {}
