// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
package import SystemPackage

/// The participants: transfers that work on a layer, in any process. Each holds a number by a lock on it, and writes a
/// heartbeat. A waiting process can thus tell a slow registry from a participant that is stopped or frozen.
extension StateFile {
    package typealias Participant = Int

    private static let participantLimit = 64
    private static let participantLocks = 64
    private static let heartbeats: UInt64 = 256

    /// Takes a number; nil if all are taken. Closing the file gives it back.
    package func join() throws(Errno) -> Participant? {
        for participant in 0..<Self.participantLimit
        where try file.lock(.exclusive, start: Self.participantLocks + participant) {
            return participant
        }
        return nil
    }

    package func leave(_ participant: Participant) {
        file.unlock(start: Self.participantLocks + participant)
    }

    /// Whether other processes participate.
    package var hasPeers: Bool { file.isLocked(start: Self.participantLocks, count: Self.participantLimit) }

    package func beat(_ participant: Participant, _ count: UInt64) {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: count)
        try? file.write(bytes.span.bytes, at: Self.heartbeats + UInt64(participant) * 8)
    }

    package func heartbeat(of participant: Participant) throws(Errno) -> UInt64 {
        try file.bytes(at: Self.heartbeats + UInt64(participant) * 8, count: 8).littleEndian(UInt64.self, at: 0)
    }

    // MARK: Chunks

    /// Claims chunks for fetching. Returns false if another process has claimed any of them. Chunks of a dead process
    /// are free.
    package func claimChunks(_ chunks: Range<Int>) throws(Errno) -> Bool {
        try file.lock(.exclusive, start: Self.headerSize + chunks.lowerBound, count: chunks.count)
    }

    /// Records who fetches these chunks, which are claimed and absent.
    package func recordFetcher(_ participant: Participant?, of chunks: Range<Int>) throws(Errno) {
        let mark = participant.map { UInt8($0 + 2) } ?? 0
        try file.write(
            [UInt8](repeating: mark, count: chunks.count).span.bytes, at: UInt64(Self.headerSize + chunks.lowerBound))
    }

    package func releaseChunks(_ chunks: Range<Int>) {
        guard !chunks.isEmpty else { return }
        file.unlock(start: Self.headerSize + chunks.lowerBound, count: chunks.count)
    }

    /// A run of these chunks that another process has claimed, as by `lockedElsewhere`; nil if there is none.
    package func claimedElsewhere(_ chunks: Range<Int>) -> Range<Int>? {
        guard let locked = file.lockedElsewhere(start: Self.headerSize + chunks.lowerBound, count: chunks.count) else {
            return nil
        }
        return (locked.lowerBound - Self.headerSize)..<(locked.upperBound - Self.headerSize)
    }

    /// The recorded fetcher of a chunk; nil if none is recorded.
    package func fetcher(of chunk: Int) throws(Errno) -> Participant? {
        let state = Int(try chunkStates(chunk..<(chunk + 1))[0])
        return (2..<(2 + Self.participantLimit)).contains(state) ? state - 2 : nil
    }

    // MARK: The verifier

    package var verifier: Participant? {
        get throws(Errno) {
            let mark = Int(try file.bytes(at: 13, count: 1)[0])
            return (1...Self.participantLimit).contains(mark) ? mark - 1 : nil
        }
    }

    package func setVerifier(_ participant: Participant?) throws(Errno) {
        try file.write([participant.map { UInt8($0 + 1) } ?? 0].span.bytes, at: 13)
    }
}
