// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
private import Glibc
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import Synchronization
internal import SystemPackage

/// A layer that is being fetched into the cache, as this process sees it. It combines the bytes that are wanted
/// (`WantList`), fetching (`Fetcher`), verification (`Verifier`), and other processes that fetch the same layer
/// (`PeerWatch`).
///
/// Any number of processes may fetch a layer at once. Each chunk is fetched by the process that has claimed it. The
/// holder of the commit claim reads the chunks back in order, ingests them, and makes the layer good. Any process may
/// end at any moment: what is present is known from the disk.
///
/// Lock order: `IndexStage.state`, `ContentStage.state`, then `wants`, then `ChunkMap.known`. `lifecycle` and `peers` are taken alone. None
/// of them is held across I/O or a callback.
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
    /// Whether chunks were present when this transfer began.
    let hadChunks: Bool
    /// Bytes of the blob that this process has fetched, in this transfer and earlier ones. Only `status` and the like
    /// read it.
    let received: SharedCounter
    let wants: Mutex<WantList>
    let peers: Mutex<PeerWatch>
    let lifecycle = Mutex(TransferLifecycle.filling)
    /// Files that streams read from.
    let reads = Mutex(TransferReads())
    private let placedBytes = Atomic<UInt64>(0)
    private let onEvent: @Sendable (LayerTransfer, Event) -> Void

    /// Something that happened to the layer.
    enum Event: Sendable {
        /// The whole layer was wanted, and cannot be had now. The transfer goes on: the next request starts another
        /// try.
        case wholeFailed(StoreError)
        case ended(Ending)
    }

    /// How a transfer ended.
    enum Ending: Sendable {
        /// The layer can be read, verified. It is not yet synced and committed.
        case good(OpenLayer, LayerIndex)
        /// The transfer cannot go on. The error says whether another try may succeed.
        case failed(StoreError)
        /// The bytes were wrong. Anyone who has read them must be told.
        case wrong(StoreError, canRetry: Bool)
        /// Another transfer must start: the directory was removed, or must be ingested again. Another process removes
        /// it if this one stood still, or to evict the layer.
        case superseded
    }

    /// Blocks, so it must run on a thread that may. `index`: the entries of an uncompressed layer. Throws the errors
    /// that `StoreError.init` takes.
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

    /// Starts the clock. To be called once the receiver of `onEvent` knows the transfer, since the transfer may end
    /// from then on.
    func start() {
        services.threads.clock.add(self)
        if !isFilling { services.threads.clock.remove(self) }
    }

    /// Opens the existing directory, or makes one. Holds the mounted claim, so that `prune` does not evict it.
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
                // Another process is removing it. If that process is stopped meanwhile, this one removes it after the
                // deadline.
                usleep(10_000)
            }
        }
        throw StoreError.cache("the cache \(services.cache.path) keeps losing layer \(key.digest.short)")
    }

    // MARK: Progress

    /// Bytes of the uncompressed layer that are placed from its start, by any process.
    var placed: UInt64 { placedBytes.load(ordering: .acquiring) }

    /// Returns false if no more bytes are placed than was known.
    func notePlaced(_ bytes: UInt64) -> Bool {
        placedBytes.max(bytes, ordering: .acquiringAndReleasing).oldValue < bytes
    }

    /// Called when more is present: wakes the waiters, and starts the verifier.
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

    /// Fails what is wanted of these chunks; with nil, of any. Tells their waiters, and the waiters for the whole
    /// layer. Other waiters wait on. The transfer goes on: the next request tries again.
    func fail(_ error: StoreError, of chunks: Range<Int>? = nil) {
        // After the end, remaining waiters look again at what has replaced the transfer.
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

    /// Removes the directory, although other processes may be fetching into it. The caller must then call `end`. A
    /// failed removal is logged: the next process that opens the directory finds it marked bad, or damaged.
    func discard() {
        let isOurs = lifecycle.withLock { $0.become(.discarding) }
        do {
            try partial.discard()
        } catch {
            services.logger.warning("\(key): what was here of it could not be taken away: \(error)")
            if isOurs { lifecycle.withLock { _ = $0.become(.filling) } }
        }
    }

    /// Ends the transfer. Only the first call has an effect. Returns false if the transfer had ended before.
    @discardableResult
    func end(_ ending: Ending?) -> Bool {
        guard lifecycle.withLock({ $0.become(.closed) }) else { return false }
        fetcher.stop()
        for file in reads.withLock({ $0.end() }) { file.close() }
        services.threads.clock.remove(self)
        if let participant { partial.state.leave(participant) }
        if !verifier.isRunning { verifier.giveClaimBack() }
        if let ending { onEvent(self, .ended(ending)) }
        // The waiters look again at the layer. They are called after the event, or they would find this transfer again.
        for waiter in wants.withLock({ $0.close() }) { waiter(nil) }
        return true
    }
}
