// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import SystemPackage

/// Claims runs of chunks for fetching, so that no other process fetches them.
///
/// The caller must ensure that only one thread of this process claims at a time.
struct ChunkClaimer: Sendable {
    let claims: any ChunkClaims
    let chunks: ChunkMap
    let participant: StateFile.Participant?

    enum Outcome: Equatable {
        /// This process has claimed this run: the first part of the wanted run that no other process has claimed.
        case claimed(Range<Int>)
        /// Another process has claimed the start of the wanted run, up to the end of this one.
        case elsewhere(Range<Int>)
        /// The whole run is present: it arrived between the last look and the claim.
        case present
    }

    /// Claims the first part of a run, then reads its state again, since an earlier holder may have fetched it. On
    /// failure nothing is claimed. Chunks that are found to be present are noted in `chunks`; the caller must tell the
    /// news afterwards.
    func claim(_ wanted: Range<Int>) throws(Errno) -> Outcome {
        var run = wanted
        while try !claims.claimChunks(run) {
            // The other process released the chunks between the two calls: try again.
            guard let others = claims.claimedElsewhere(run) else { continue }
            guard others.lowerBound > run.lowerBound else { return .elsewhere(others) }
            run = run.lowerBound..<others.lowerBound
        }
        do throws(Errno) {
            if try chunks.refresh(run) {
                guard let missing = chunks.missing(in: run) else {
                    claims.releaseChunks(run)
                    return .present
                }
                claims.releaseChunks(run.lowerBound..<missing.lowerBound)
                claims.releaseChunks(missing.upperBound..<run.upperBound)
                run = missing
            }
            try claims.recordFetcher(participant, of: run)
        } catch {
            claims.releaseChunks(run)
            throw error
        }
        return .claimed(run)
    }

    /// Releases claimed chunks that have not arrived, so that no process waits for this one.
    func giveBack(_ run: Range<Int>) throws(Errno) {
        defer { claims.releaseChunks(run) }
        if !run.isEmpty { try claims.recordFetcher(nil, of: run) }
    }
}
