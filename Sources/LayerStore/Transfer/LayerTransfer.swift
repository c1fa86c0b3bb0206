// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
private import Glibc
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import Synchronization
internal import SystemPackage

/// A layer on its way into the cache, as this process sees it: it brings together who wants bytes (`WantList`), who fetches
/// them (`Fetcher`), who checks the digest (`Verifier`), and what other processes do with the same layer (`PeerWatch`).
///
/// Any number of processes bring a layer at once, each chunk by the one that has claimed it; one of them, which holds the
/// commit claim, ingests what is read back, in order, and makes it good. All of this may end at any moment in any of them:
/// what is here is known from the disk.
///
/// Lock order: `ContentStage.state`, then `wants`, then what is known in `ChunkMap`. `lifecycle` and `peers` are taken by
/// themselves. None is held across I/O or a callback.
final class LayerTransfer: Sendable {
    let key: LayerKey
    let blob: Descriptor
    let source: any BlobSource
    let services: StoreServices
    let partial: PartialLayer
    let chunks: ChunkMap
    let plan: any IngestPlan
    let fetcher: Fetcher
    let verifier: Verifier
    let participant: StateFile.Participant?
    /// Whether something of it was here before.
    let hadChunks: Bool
    /// Bytes of the layer that have come from the source, in this transfer and those before it: for those who watch.
    let received: SharedCounter
    let wants: Mutex<WantList>
    let peers: Mutex<PeerWatch>
    let lifecycle = Mutex(TransferLifecycle.filling)
    private let placedBytes = Atomic<UInt64>(0)
    private let onEvent: @Sendable (LayerTransfer, Event) -> Void

    /// What happened to the layer.
    enum Event: Sendable {
        /// All of it was wanted, and cannot be had now. The transfer lives on: who asks again starts another try.
        case wholeFailed(StoreError)
        case ended(Ending)
    }

    /// What became of it.
    enum Ending: Sendable {
        /// It can be read, verified; not yet synced and committed.
        case good(OpenLayer, LayerIndex)
        /// It cannot go on. The error says whether another try may.
        case failed(StoreError)
        /// The bytes were wrong. Whoever has read of them must know.
        case wrong(StoreError, canRetry: Bool)
        /// Another process took the directory away: this one stood still, or the layer was evicted.
        case superseded
    }

    /// Blocks; for a thread that may. `index`: the entries of an uncompressed layer. Throws what `StoreError.init` takes.
    init(
        key: LayerKey, blob: Descriptor, source: any BlobSource, services: StoreServices, index: LayerIndex?,
        received: SharedCounter, onEvent: @escaping @Sendable (LayerTransfer, Event) -> Void
    ) throws {
        guard blob.size <= StateFile.sizeLimit else {
            throw StoreError.unmountable(
                layer: key.digest, reason: "its descriptor says \(blob.size) bytes, over 16 TiB")
        }
        self.key = key
        self.blob = blob
        self.source = source
        self.services = services
        self.received = received
        self.onEvent = onEvent
        partial = try Self.openPartial(key, blob, services)
        chunks = try ChunkMap(partial.state)
        hadChunks = chunks.presentBytes > 0
        participant = try partial.state.join()
        plan = try Self.plan(partial, index, services)
        fetcher = Fetcher(
            blob: blob, source: source, chunks: chunks,
            claimer: ChunkClaimer(claims: partial.state, chunks: chunks, participant: participant),
            queues: services.threads.fetcherQueues, runLimit: services.space.runLimit, shutdown: services.shutdown)
        verifier = Verifier(
            partial: partial, chunks: chunks, plan: plan, participant: participant,
            jobs: services.threads.verifying, shutdown: services.shutdown, logger: services.logger)
        wants = Mutex(WantList(at: .now))
        peers = Mutex(PeerWatch(at: .now))
    }

    private static func plan(
        _ partial: PartialLayer, _ index: LayerIndex?, _ services: StoreServices
    ) throws -> any IngestPlan {
        guard let compression = partial.key.form.compression else {
            return try PlainIngest(partial, layout: index?.layout ?? LayerLayout())
        }
        let lead = UInt64(RangeRequest.Purpose.whole.limit * services.space.runLimit) * StateFile.chunkSize
        return try CompressedIngest(partial, compression, placing: services.threads.placing, lead: lead) {
            [space = services.space, key = partial.key] in
            try space.charge(key, $0)
        }
    }

    /// To be called once it is where `onEvent` looks for it: from now on it may end.
    func start() {
        services.threads.clock.add(self)
        if !isFilling { services.threads.clock.remove(self) }
    }

    /// The directory that is there, or a new one; held as mounted, so that `prune` leaves it alone.
    private static func openPartial(
        _ key: LayerKey, _ blob: Descriptor, _ services: StoreServices
    ) throws -> PartialLayer {
        let deadline = ContinuousClock.now + services.timeouts.holder
        for _ in 0..<2000 {
            let partial = try PartialLayer.open(key, blobSize: blob.size, in: services.cache)
            let isOurs = try partial.state.claim(.mounted, .shared)
            guard try partial.isCurrent else { continue }
            if try partial.state.lifecycle == .bad || !isOurs && ContinuousClock.now > deadline {
                try partial.discard()
            } else if isOurs {
                return partial
            } else {
                // Somebody is taking it away; if that process is stopped in the middle of it, we do.
                usleep(10_000)
            }
        }
        throw StoreError.cache("the cache \(services.cache.path) keeps losing layer \(key.digest.short)")
    }

    // MARK: What comes

    /// Bytes of the uncompressed layer that are placed, from its start on, by whichever process.
    var placed: UInt64 { placedBytes.load(ordering: .acquiring) }

    /// False if so much was known to be placed.
    func notePlaced(_ bytes: UInt64) -> Bool {
        placedBytes.max(bytes, ordering: .acquiringAndReleasing).oldValue < bytes
    }

    /// More is here: who waited for it is told, and it is ingested.
    func madeProgress() {
        noteProgress()
        wakeWaiters()
        verifier.startIfDue(for: self)
    }

    func wakeWaiters() {
        let presence = presence
        for waiter in wants.withLock({ $0.takeReady(presence) }) { waiter(nil) }
    }

    struct Presence: WantList.Presence {
        let chunks: ChunkMap
        let placed: UInt64
        func hasAll(_ chunks: Range<Int>) -> Bool { self.chunks.hasAll(chunks) }
    }

    var presence: Presence { Presence(chunks: chunks, placed: placed) }

    // MARK: The end

    /// Something that is wanted cannot be had now: these chunks, or anything. Who waits for it is told, and so is who
    /// waits for the whole; others wait on. The transfer lives on: the next one who asks tries again.
    func fail(_ error: StoreError, of chunks: Range<Int>? = nil) {
        // Whoever waits still looks at what has come in its place.
        switch lifecycle.withLock({ $0 }) {
        case .filling, .verified: break
        case .discarding, .closed: return
        }
        let (waiters, wasWhole) = wants.withLock {
            $0.fail(error, of: plan.affected(by: chunks), at: .now, memory: services.timeouts.failure)
        }
        for waiter in waiters { waiter(error) }
        if wasWhole { onEvent(self, .wholeFailed(error)) }
    }

    /// Takes the directory away, in which others may be fetching; to be followed by `end`. What cannot be taken away is
    /// logged: the next one who opens it finds it marked, or damaged.
    func discard() {
        let isOurs = lifecycle.withLock { $0.become(.discarding) }
        do {
            try partial.discard()
        } catch {
            services.logger.warning("\(key): what was here of it could not be taken away: \(error)")
            if isOurs { lifecycle.withLock { _ = $0.become(.filling) } }
        }
    }

    /// It is over: takes effect once; what comes after is for nothing. False if it was over already.
    @discardableResult
    func end(_ ending: Ending?) -> Bool {
        guard lifecycle.withLock({ $0.become(.closed) }) else { return false }
        fetcher.stop()
        services.threads.clock.remove(self)
        if let participant { partial.state.leave(participant) }
        if !verifier.isRunning { verifier.giveClaimBack() }
        if let ending { onEvent(self, .ended(ending)) }
        // They look again, at what has become of the layer: not before that is known, or they would look here again.
        for waiter in wants.withLock({ $0.close() }) { waiter(nil) }
        return true
    }

    var isEnded: Bool { lifecycle.withLock { $0 == .closed } }
}
