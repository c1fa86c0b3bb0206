// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import SystemPackage

/// Claims runs of chunks for fetching, against other processes.
///
/// Its caller sees to it that no two threads of this process claim at a time.
struct ChunkClaimer: Sendable {
    let claims: any ChunkClaims
    let chunks: ChunkMap
    let participant: StateFile.Participant?

    enum Outcome: Equatable {
        /// This run is ours: the first part of what was wanted that nobody else has.
        case claimed(Range<Int>)
        /// Another process has its beginning, up to the end of this run.
        case elsewhere(Range<Int>)
        /// All of it is here: it came between the last look and the claim.
        case present
    }

    /// Claims the first part of a run, then looks at it once more: whoever had it before may have brought it. On failure
    /// nothing is claimed. What it learns of is in `chunks`, whose news are to be told afterwards.
    func claim(_ wanted: Range<Int>) throws(Errno) -> Outcome {
        var run = wanted
        while try !claims.claimChunks(run) {
            // Released between the two calls: try again.
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

    /// Gives back what was claimed and has not come: nobody is to wait for us.
    func giveBack(_ run: Range<Int>) throws(Errno) {
        defer { claims.releaseChunks(run) }
        if !run.isEmpty { try claims.recordFetcher(nil, of: run) }
    }
}
