// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import OCI
internal import SystemPackage
private import Synchronization
internal import Threading

/// What a transfer remembers of others between two looks.
struct TransferWatch: Sendable {
    var lastBeat: ContinuousClock.Instant?
    var beats: UInt64 = 0
    /// When others last brought something.
    var lastNews: ContinuousClock.Instant?
    /// When a snapshot was made last, and what had been received by then.
    var lastSnapshot = ContinuousClock.now
    var snapshotReceived: UInt64 = 0
    /// Other processes work on the layer.
    var hasCompany = false
    /// The last heartbeat of others, and since when it is the same.
    var others: [StateFile.Participant: (beat: UInt64, since: ContinuousClock.Instant)] = [:]
}

extension LayerTransfer.State {
    /// This process, or the whole machine, stood still for so long: as one that sleeps, or is stopped, or busy beyond
    /// measure. That counts neither against others, who may have had no time to show themselves, nor as lack of progress.
    mutating func forgive(_ pause: Duration) {
        let now = ContinuousClock.now
        lastProgress = min(now, lastProgress + pause)
        watch.others = watch.others.mapValues { ($0.beat, min(now, $0.since + pause)) }
    }
}

/// Looking at what other processes do with the same layer: there is no other way to know than to look at its state.
extension LayerTransfer {
    private static let beatInterval = Duration.milliseconds(500)
    private static let liveliness = Duration.seconds(2)
    /// No look at others is as long in coming where this process runs.
    private static let standstill = Duration.seconds(2)
    /// So many chunks behind the front are looked at each time.
    private static let lookLimit = 1024

    /// Called every 20 ms by the clock.
    func tick(_ now: ContinuousClock.Instant) {
        let (isBeat, isWaiting) = state.withLock { state in
            let sinceBeat = state.watch.lastBeat.map { now - $0 } ?? Self.beatInterval
            let isBeat = sinceBeat >= Self.beatInterval
            if isBeat { state.watch.lastBeat = now }
            if sinceBeat > Self.standstill { state.forgive(sinceBeat) }
            let isWanted = state.isWholeWanted || !state.waiters.isEmpty
            if isWanted { return (isBeat, isBeat || state.waitsForChunks || state.waitsForVerifier) }
            // Nobody waits here, but others may wait for what is followed here, or have brought all of it and gone: sooner
            // where more has come lately.
            let isLively = state.watch.lastNews.map { now - $0 < Self.liveliness } ?? false
            return (isBeat, state.isVerifier && (isBeat || isLively || state.watch.hasCompany))
        }
        guard isBeat || isWaiting else { return }
        do {
            if isBeat { beat() }
            guard try lookAtLifecycle() else { return }
            if isBeat, try !partial.isCurrent {
                end(.superseded)
                return
            }
            if isWaiting { try lookAtOthers() }
            if isBeat {
                try findFrozen(now)
                giveUpIfStuck(now)
                snapshotIfDue(now)
            }
        } catch {
            fail(StoreError(error, layer: key.digest))
        }
    }

    /// Alive, and so much received: the upper half changes with progress, the lower one with time.
    private func beat() {
        guard let participant else { return }
        let beats = state.withLock { state in
            state.watch.beats += 1
            return state.watch.beats
        }
        let hasCompany = partial.state.hasOthers
        state.withLock { $0.watch.hasCompany = hasCompany }
        let kibibytes = received.value >> 10
        partial.state.beat(participant, kibibytes << 32 | (beats & 0xffff_ffff))
    }

    private static let snapshotInterval = Duration.seconds(30)

    /// While bytes come, twice a minute what is here is made durable.
    private func snapshotIfDue(_ now: ContinuousClock.Instant) {
        let isDue = state.withLock { now - $0.watch.lastSnapshot >= Self.snapshotInterval }
        if isDue { services.local.submit { self.saveSnapshot() } }
    }

    /// Blocks as long as the disk does.
    func saveSnapshot() {
        let received = received.value
        let isNews = state.withLock { state in
            state.watch.lastSnapshot = .now
            defer { state.watch.snapshotReceived = received }
            return state.watch.snapshotReceived != received
        }
        guard isNews, (try? partial.isCurrent) ?? false, (try? partial.state.lifecycle) == .filling else { return }
        do {
            try PresenceSnapshot.save(partial, chunks)
        } catch {
            services.logger.warning("\(key): what was fetched so far may not outlive a power loss: \(error)")
        }
    }

    /// False if it is over.
    func lookAtLifecycle() throws -> Bool {
        let lifecycle = try partial.state.lifecycle
        if lifecycle == .filling { return true }
        // Our own verdict, which is about to be told.
        if state.withLock({ $0.isVerifying }), !partial.state.isClaimedElsewhere(.commit) { return false }
        switch lifecycle {
        case .filling:
            return true
        case .bad:
            end(
                .wrong(
                    .source(.unusable("layer \(key.digest): another process found its bytes to be wrong")),
                    canRetry: true))
            return false
        case .good where try !partial.state.isSealed:
            try discard()
            end(.superseded)
            return false
        case .good:
            let open = OpenLayer(directory: partial.directory, state: partial.state)
            if let index = services.cache.loadIndex(key, blobSize: blob.size), index.isVerified {
                end(.good(open, index))
                keepIfLeft(index)
            } else {
                // All of it is read: the clock has others to look at meanwhile.
                let isFirst = state.withLock { state in
                    defer { state.isRebuilding = true }
                    return !state.isRebuilding
                }
                if isFirst { services.local.submit { self.rebuildIndex(of: open) } }
            }
            return false
        }
    }

    /// The one who made it good could not keep the index.
    private func rebuildIndex(of open: OpenLayer) {
        do {
            let index = try open.rebuildIndex(key)
            end(.good(open, index))
            keepIfLeft(index)
        } catch let error as Errno where error != .outOfRange && error != .noSuchFileOrDirectory {
            end(.failed(StoreError(error, layer: key.digest)))
        } catch {
            services.logger.warning("\(key): another process found it good, but it is not: \(error); starting anew")
            try? discard()
            end(.superseded)
        }
    }

    private func lookAtOthers() throws {
        let wanted = state.withLock { state in
            var wanted = state.demands + state.waiters.values.compactMap(\.chunks)
            if state.isWholeWanted || state.isVerifier || layout == nil {
                let front = chunks.frontChunk
                wanted.append(front..<min(chunks.count, front + Self.lookLimit))
            }
            return wanted
        }
        var isNews = false
        for range in wanted where try chunks.refresh(range) { isNews = true }
        if layout == nil {
            let front = try partial.state.front
            isNews = isNews || front > placed
            setPlaced(front)
        }
        if isNews {
            state.withLock { $0.watch.lastNews = .now }
            madeProgress()
        }
        // What others had claimed may have come free.
        verifyIfDue()
        schedule()
    }

    /// If what is wanted here is in the hands of one who does not move, the directory is left to it.
    private func findFrozen(_ now: ContinuousClock.Instant) throws {
        guard isWanted, let holder = try holderInTheWay() else { return }
        let beat = try partial.state.heartbeat(of: holder)
        let isFrozen = state.withLock { state in
            guard let known = state.watch.others[holder], known.beat == beat else {
                // Its progress is ours.
                if let known = state.watch.others[holder], known.beat >> 32 != beat >> 32 { state.lastProgress = now }
                state.watch.others[holder] = (beat, now)
                return false
            }
            return now - known.since > services.patience.holder
        }
        guard isFrozen else { return }
        services.logger.warning("\(key): another process stands still in the middle of it; starting anew")
        try discard()
        end(.superseded)
    }

    /// Who has claimed something that is wanted here.
    private func holderInTheWay() throws -> StateFile.Participant? {
        let wanted = state.withLock { state in
            state.demands + state.waiters.values.compactMap(\.chunks)
                + (state.isWholeWanted || layout == nil ? [chunks.frontChunk..<chunks.count] : [])
        }
        for range in wanted {
            guard let missing = chunks.missing(in: range, limit: 1),
                let claimed = partial.state.claimedElsewhere(missing)
            else { continue }
            return try partial.state.fetcher(of: claimed.lowerBound)
        }
        guard chunks.isWhole || layout == nil, partial.state.isClaimedElsewhere(.commit) else { return nil }
        return try partial.state.verifier
    }

    /// Waits are bounded: 1.4 times the time-out without any progress, here or elsewhere.
    private func giveUpIfStuck(_ now: ContinuousClock.Instant) {
        let limit = Duration.milliseconds(services.timeout * 1400)
        let isStuck = state.withLock { state in
            (state.isWholeWanted || !state.waiters.isEmpty) && now - state.lastProgress > limit
        }
        guard isStuck else { return }
        fail(.source(.unreachable("layer \(key.digest.short): no progress for \(services.timeout) s")))
    }
}
