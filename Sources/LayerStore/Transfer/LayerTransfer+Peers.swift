// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import SystemPackage
internal import Synchronization
internal import Threading

/// Watching other processes that fetch the same layer. Their work is visible only in the layer's state.
extension LayerTransfer {
    /// The number of chunks behind the front that are looked at each time.
    private static let lookLimit = 1024

    /// Called every 20 ms by the clock.
    func tick(_ now: ContinuousClock.Instant) {
        let interest = PeerWatch.Interest(
            isWanted: isWanted, isBlocked: fetcher.isBlocked || verifier.isElsewhere, isVerifier: verifier.holdsClaim)
        let look = peers.withLock { $0.tick(now, interest) }
        if let pause = look.pause { wants.withLock { $0.discount(pause, at: now) } }
        // Waiters are told of all chunks that were found since the last tick.
        if chunks.takeNews() { madeProgress() }
        guard look.isBeat || look.looksAtPeers else { return }
        do {
            if look.isBeat { beat() }
            guard lookAtLifecycle() else { return }
            if look.isBeat, try !partial.isCurrent {
                end(.superseded)
                return
            }
            if look.looksAtPeers { try lookAtPeers(now) }
            if look.isBeat {
                try findFrozen(now)
                giveUpIfStuck(now)
                snapshotIfDue(now)
            }
        } catch {
            fail(StoreError(error, layer: key.digest))
        }
    }

    private func beat() {
        guard let participant else { return }
        let hasPeers = partial.state.hasPeers
        let heartbeat = peers.withLock { peers in
            peers.hasPeers = hasPeers
            return peers.heartbeat(received: received.value)
        }
        partial.state.beat(participant, heartbeat)
    }

    /// Whether the directory is still the layer's. A failed check counts as true.
    var isCurrent: Bool { (try? partial.isCurrent) ?? true }

    // MARK: Chunks and snapshots

    /// Syncs the present chunks and saves a snapshot, if anything has arrived since the last one. Blocks as long as the
    /// disk does.
    func saveSnapshot() {
        let received = received.value
        guard peers.withLock({ $0.beginSnapshot(at: .now, received: received) }) else { return }
        do {
            guard try partial.isCurrent, try partial.state.lifecycle == .filling else { return }
            try PresenceSnapshot.save(partial, chunks)
        } catch {
            services.logger.warning("\(key): what was fetched so far may not outlive a power loss: \(error)")
        }
    }

    private func snapshotIfDue(_ now: ContinuousClock.Instant) {
        guard peers.withLock({ $0.isSnapshotDue(at: now) }) else { return }
        services.threads.snapshots.submit(key) { [weak self] in self?.saveSnapshot() }
    }

    private func lookAtPeers(_ now: ContinuousClock.Instant) throws {
        for range in chunksToWatch { _ = try chunks.refresh(range) }
        let hasMoreChunks = chunks.takeNews()
        let isPlacedFurther = try plan.sharedFront().map { notePlaced($0) } ?? false
        if hasMoreChunks || isPlacedFurther {
            peers.withLock { $0.notePeerProgress(at: now) }
            madeProgress()
        }
        // Chunks or the commit claim of other processes may have become free.
        verifier.startIfDue(for: self)
        fetcher.schedule(for: self)
    }

    private var chunksToWatch: [Range<Int>] {
        let (wanted, isWholeWanted) = wants.withLock { ($0.wantedChunks, $0.isWholeWanted) }
        guard isWholeWanted || verifier.holdsClaim || plan.needsVerifier(chunks) else { return wanted }
        let front = chunks.frontChunk
        return wanted + [front..<min(chunks.count, front + Self.lookLimit)]
    }

    // MARK: The layer's lifecycle

    /// Ends this transfer if the layer's lifecycle says so. Returns false if the transfer is done with it.
    func lookAtLifecycle() -> Bool {
        do {
            switch try partial.state.lifecycle {
            case .filling: return true
            // This process's own verdict, which it is about to report.
            case _ where verifier.isRunning && !partial.state.isClaimedElsewhere(.commit): break
            case .bad:
                end(
                    .wrong(
                        .source(.unusable("layer \(key.digest): another process found its bytes to be wrong")),
                        canRetry: true))
            case .good where try !partial.state.isSealed:
                discard()
                end(.superseded)
            case .good: becomeGood()
            }
        } catch {
            fail(StoreError(error, layer: key.digest))
        }
        return false
    }

    /// Called when another process found the layer good.
    private func becomeGood() {
        if let index = services.cache.loadIndex(key, blobSize: blob.size), index.isVerified {
            end(.good(openLayer, index))
            verifier.commitIfLeft(index)
            return
        }
        // The other process could not save the index. Rebuilding it reads the whole layer, so it must not block the
        // clock.
        guard lifecycle.withLock({ $0.become(.verified) }) else { return }
        services.threads.local.submit { self.rebuildIndex() }
    }

    private func rebuildIndex() {
        let open = openLayer
        do {
            let index = try open.rebuildIndex(key)
            end(.good(open, index))
            verifier.commitIfLeft(index)
        } catch let error as Errno where error != .outOfRange && error != .noSuchFileOrDirectory {
            end(.failed(StoreError(error, layer: key.digest)))
        } catch {
            services.logger.warning("\(key): another process found it good, but it is not: \(error); starting anew")
            discard()
            end(.superseded)
        }
    }

    // MARK: Frozen peers

    /// If a frozen process holds what is wanted here, leaves the directory to that process and starts a new one.
    private func findFrozen(_ now: ContinuousClock.Instant) throws {
        guard isWanted, let holder = try holderInTheWay() else { return }
        let beat = try partial.state.heartbeat(of: holder)
        switch peers.withLock({ $0.note(beat, of: holder, at: now, patience: services.timeouts.holder) }) {
        case .alive: return
        // Progress of the holder counts as progress here.
        case .progressed: return noteProgress()
        case .frozen: break
        }
        services.logger.warning("\(key): another process stands still in the middle of it; starting anew")
        discard()
        end(.superseded)
    }

    /// The participant that has claimed something that is wanted here.
    private func holderInTheWay() throws -> StateFile.Participant? {
        let (wantedChunks, isWholeWanted) = wants.withLock { ($0.wantedChunks, $0.isWholeWanted) }
        let needsVerifier = plan.needsVerifier(chunks)
        let rest = isWholeWanted || needsVerifier ? [chunks.frontChunk..<chunks.count] : []
        for range in wantedChunks + rest {
            guard let missing = chunks.missing(in: range, limit: 1),
                let claimed = partial.state.claimedElsewhere(missing)
            else { continue }
            return try partial.state.fetcher(of: claimed.lowerBound)
        }
        guard needsVerifier, partial.state.isClaimedElsewhere(.commit) else { return nil }
        return try partial.state.verifier
    }

    /// Fails the waits after 1.4 times the time-out without any progress, here or elsewhere. So each wait is bounded.
    private func giveUpIfStuck(_ now: ContinuousClock.Instant) {
        let limit = Duration.milliseconds(services.timeout * 1400)
        guard wants.withLock({ $0.isWanted && now - $0.lastProgress > limit }) else { return }
        fail(.source(.unreachable("layer \(key.digest.short): no progress for \(services.timeout) s")))
    }
}
