// SPDX-License-Identifier: Apache-2.0
internal import LayerCache

/// What a process remembers, from one look to the next, of others that bring the same layer: there is no other way to know
/// of them than to look at the layer's state.
///
/// A value: it is told the time and what was seen, and decides when to look, who stands still, and when this process has
/// stood still itself.
struct PeerWatch: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What is due at a tick.
    struct Look: Sendable, Equatable {
        /// Twice a second: show a heartbeat, and see to all that has time.
        let isBeat: Bool
        /// Look at what others have brought.
        let looksAtPeers: Bool
        /// For so long this process, or the whole machine, stood still: stopped, asleep, or busy beyond measure. It counts
        /// neither against others, who may have had no time to show themselves, nor as lack of progress.
        let pause: Duration?
    }

    /// What a tick goes by.
    struct Interest: Sendable {
        /// Somebody here waits for something.
        let isWanted: Bool
        /// Another process has claimed, or ingests, what is wanted here.
        let isBlocked: Bool
        /// This process ingests for all: others may wait for what it has not looked at.
        let isVerifier: Bool
    }

    private static let beatInterval = Duration.milliseconds(500)
    /// After the last news, others are looked at with every tick for so long.
    private static let lively = Duration.seconds(2)
    /// Where this process runs, no look is as long in coming.
    private static let standstill = Duration.seconds(2)
    private static let snapshotInterval = Duration.seconds(30)

    private var lastBeat: Instant?
    private(set) var beats: UInt64 = 0
    private var lastPeerProgress: Instant?
    private var lastSnapshot: Instant
    private var snapshotReceived: UInt64 = 0
    /// Other processes work on the layer.
    var hasPeers = false
    /// The last heartbeat of others, and since when it is the same.
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
                // Nobody waits here, but others may wait for what is ingested here, or have brought all of it and gone.
                interest.isVerifier && (isBeat || isLively || hasPeers)
            }
        return Look(isBeat: isBeat, looksAtPeers: looks, pause: pause)
    }

    private mutating func discount(_ pause: Duration, at now: Instant) {
        peers = peers.mapValues { ($0.beat, min(now, $0.since + pause)) }
    }

    /// What this process shows of itself: the upper half changes with progress, the lower one with time.
    func heartbeat(received: UInt64) -> UInt64 { (received >> 10) << 32 | (beats & 0xffff_ffff) }

    mutating func notePeerProgress(at now: Instant) { lastPeerProgress = now }

    enum PeerState: Equatable { case alive, progressed, frozen }

    /// Notes the heartbeat of a process that is in the way of what is wanted here.
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

    /// While bytes come, twice a minute what is here is made durable.
    func isSnapshotDue(at now: Instant) -> Bool { now - lastSnapshot >= Self.snapshotInterval }

    /// Notes a snapshot; false if nothing has come since the last one.
    mutating func beginSnapshot(at now: Instant, received: UInt64) -> Bool {
        lastSnapshot = now
        defer { snapshotReceived = received }
        return snapshotReceived != received
    }
}
