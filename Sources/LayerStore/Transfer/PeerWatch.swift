// SPDX-License-Identifier: Apache-2.0
internal import LayerCache

/// What a process remembers of other processes that fetch the same layer, from one look to the next. Their work is
/// visible only in the layer's state.
///
/// A value without I/O. It gets the time and the observations, and decides when to look, which peer is frozen, and when
/// this process has stood still itself.
struct PeerWatch: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What to do at a tick.
    struct Look: Sendable, Equatable {
        /// Twice a second: write a heartbeat, and do the less urgent checks.
        let isBeat: Bool
        /// Look for chunks that other processes have fetched.
        let looksAtPeers: Bool
        /// How long this process, or the whole machine, stood still: stopped, asleep, or overloaded. This time does not
        /// count against peers, which may have had no time for heartbeats, nor as a lack of progress.
        let pause: Duration?
    }

    /// The conditions of a tick.
    struct Interest: Sendable {
        /// Someone in this process waits for something.
        let isWanted: Bool
        /// Another process has claimed, or ingests, what is wanted here.
        let isBlocked: Bool
        /// This process ingests for all. Others may wait for chunks that it has not seen.
        let isVerifier: Bool
    }

    private static let beatInterval = Duration.milliseconds(500)
    /// After the last progress of a peer, peers are looked at with every tick for this long.
    private static let lively = Duration.seconds(2)
    /// Longer than any interval between beats while this process runs.
    private static let standstill = Duration.seconds(2)
    private static let snapshotInterval = Duration.seconds(30)

    private var lastBeat: Instant?
    private(set) var beats: UInt64 = 0
    private var lastPeerProgress: Instant?
    private var lastSnapshot: Instant
    private var snapshotReceived: UInt64 = 0
    /// Whether other processes participate.
    var hasPeers = false
    /// The last heartbeat of each peer, and when it was first seen.
    private var peers: [StateFile.Participant: (beat: UInt64, since: Instant)] = [:]

    init(at now: Instant) { lastSnapshot = now }

    mutating func tick(_ now: Instant, _ interest: Interest) -> Look {
        let sinceBeat = lastBeat.map { now - $0 } ?? Self.beatInterval
        let isBeat = sinceBeat >= Self.beatInterval
        if isBeat {
            lastBeat = now
            beats += 1
        }
        let pause = sinceBeat > Self.standstill ? sinceBeat : nil
        if let pause { discount(pause, at: now) }
        let isLively = lastPeerProgress.map { now - $0 < Self.lively } ?? false
        let looks =
            if interest.isWanted {
                isBeat || interest.isBlocked
            } else {
                // Nobody waits here. But others may wait for this process to ingest, or may have fetched everything and
                // gone.
                interest.isVerifier && (isBeat || isLively || hasPeers)
            }
        return Look(isBeat: isBeat, looksAtPeers: looks, pause: pause)
    }

    private mutating func discount(_ pause: Duration, at now: Instant) {
        peers = peers.mapValues { ($0.beat, min(now, $0.since + pause)) }
    }

    /// This process's heartbeat: the upper half changes with progress, the lower half with time.
    func heartbeat(received: UInt64) -> UInt64 { (received >> 10) << 32 | (beats & 0xffff_ffff) }

    mutating func notePeerProgress(at now: Instant) { lastPeerProgress = now }

    enum PeerState: Equatable { case alive, progressed, frozen }

    /// Notes the heartbeat of a peer that holds what is wanted here.
    mutating func note(
        _ beat: UInt64, of peer: StateFile.Participant, at now: Instant, patience: Duration
    ) -> PeerState {
        guard let known = peers[peer], known.beat == beat else {
            let hasProgressed = peers[peer].map { $0.beat >> 32 != beat >> 32 } ?? false
            peers[peer] = (beat, now)
            return hasProgressed ? .progressed : .alive
        }
        return now - known.since > patience ? .frozen : .alive
    }

    /// Whether a snapshot is due: every 30 seconds.
    func isSnapshotDue(at now: Instant) -> Bool { now - lastSnapshot >= Self.snapshotInterval }

    /// Notes a snapshot. Returns false if nothing has arrived since the last one.
    mutating func beginSnapshot(at now: Instant, received: UInt64) -> Bool {
        lastSnapshot = now
        defer { snapshotReceived = received }
        return snapshotReceived != received
    }
}
