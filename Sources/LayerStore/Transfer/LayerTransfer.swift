// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import Logging
internal import OCI
internal import SystemPackage
internal import Synchronization

/// A layer on its way into the cache, as this process sees it: which chunks are wanted, who waits for which, what is
/// under way, and how far the digest has been checked.
///
/// Any number of processes bring the same layer at once, each chunk by the one that has claimed it; one of them, which
/// holds the commit claim, hashes what is read back, in order, and makes it good. All of this may end at any moment in
/// any of them: what is here is known from the disk.
///
/// Lock order: `claiming` before `state`, as `Layer` tells on; `state` is never held across I/O or a callback. `claiming` is
/// held over locks on the state file, which never wait.
final class LayerTransfer: Sendable {
    let key: LayerKey
    let blob: Descriptor
    let source: any BlobSource
    let services: StoreServices
    let partial: PartialLayer
    let chunks: ChunkMap
    let follower: any FillFollower
    /// nil for a compressed layer, whose places are known only as it is decompressed.
    let layout: LayerLayout?
    /// Whether something of it was here before.
    let hadChunks: Bool
    let participant: StateFile.Participant?
    private let onEnd: @Sendable (LayerTransfer, End) -> Void
    let state = Mutex(State())
    let claiming = Mutex(())
    /// Belongs to the one who verifies.
    // SAFETY: touched by the job that `isVerifying` stands for, of which there is one at a time.
    nonisolated(unsafe) let hasher: DigestHasher

    /// What becomes of it.
    enum End: Sendable {
        /// It can be read, verified; not yet synced and committed.
        case good(OpenLayer, LayerIndex)
        /// Not for now, or not at all. Whatever was fetched stays, unless the error speaks against the bytes.
        case failed(StoreError)
        /// The bytes were wrong. Whoever has read of them must know.
        case wrong(StoreError, canRetry: Bool)
        /// Another process took the directory away: this one stood still, or it was evicted.
        case superseded
    }

    /// Somebody who waits for bytes.
    struct RangeWaiter: Sendable {
        /// Chunks of the blob; of a compressed layer, nil.
        let chunks: Range<Int>?
        /// Of a compressed layer: the end of the wanted bytes in the uncompressed layer.
        let front: UInt64
        let call: Layer.Waiter
    }

    /// A run that is being fetched.
    struct Flight: Sendable {
        let id: UInt64
        var chunks: Range<Int>
        /// All of the blob comes, of which the chunks that are missing are taken.
        let isStream: Bool
        let cancellation: Cancellation
    }

    struct State: Sendable {
        var waiters: [Layer.WaiterID: RangeWaiter] = [:]
        /// Chunks that readers want, in the order in which they asked.
        var demands: [Range<Int>] = []
        var isWholeWanted = false
        /// Of a compressed layer: how far it is wanted, in the uncompressed layer.
        var frontGoal: UInt64 = 0
        var flights: [Flight] = []
        /// Jobs that will look for something to fetch, or do fetch.
        var demandWorkers = 0
        var backgroundWorkers = 0
        var nextFlight: UInt64 = 0
        /// Another process has claimed chunks that are wanted here, or verifies.
        var waitsForChunks = false
        var waitsForVerifier = false
        var recentFailures = RecentFailures()
        var lastProgress = ContinuousClock.now
        /// Ranges were refused: the blob comes in one stream, from its start on.
        var mustStream = false
        var isVerifying = false
        /// The commit claim is ours: what any process brings, this one follows, also while nobody here waits for it.
        var isVerifier = false
        /// It is good, and its index is being made anew.
        var isRebuilding = false
        /// The directory is being taken away, and the end is near: what fails by that is nobody's business.
        var isDiscarding = false
        var isEnded = false
        /// Ended, and `onEnd` knows: there is something else to look at.
        var isOver = false
        var watch = TransferWatch()
    }

    /// Blocks; for a thread that may. `index`: the entries of an uncompressed layer. Throws what `StoreError.init` takes.
    init(
        key: LayerKey, blob: Descriptor, source: any BlobSource, services: StoreServices, index: LayerIndex?,
        received: ByteCounter, onEnd: @escaping @Sendable (LayerTransfer, End) -> Void
    ) throws {
        guard blob.size <= StateFile.sizeLimit else {
            throw StoreError.unusable(layer: key.digest, reason: "its descriptor says \(blob.size) bytes, over 16 TiB")
        }
        self.key = key
        self.blob = blob
        self.source = source
        self.services = services
        self.received = received
        self.onEnd = onEnd
        hasher = DigestHasher(key.digest.algorithm)
        partial = try Self.openPartial(key, blob, services)
        chunks = try ChunkMap(partial.state)
        hadChunks = chunks.presentBytes > 0
        participant = try partial.state.join()
        if let compression = key.form.compression {
            layout = nil
            follower = try CompressedFollower(partial, compression, placing: services.placing) {
                [room = services.room] in
                try room.admit(key, $0)
            }
        } else {
            let known = index?.layout ?? LayerLayout()
            layout = known
            follower = try PlainFollower(partial, layout: known)
        }
    }

    /// To be called once it is where `onEnd` looks for it: from now on it may end.
    func start() {
        services.clock.add(self)
        if isEnded { services.clock.remove(self) }
    }

    /// The directory that is there, or a new one; held as listed, so that `prune` leaves it alone.
    private static func openPartial(
        _ key: LayerKey, _ blob: Descriptor, _ services: StoreServices
    ) throws -> PartialLayer {
        let deadline = ContinuousClock.now + services.patience.holder
        for _ in 0..<2000 {
            let partial = try PartialLayer.open(key, blobSize: blob.size, in: services.cache)
            let isOurs = try partial.state.claim(.listed, .shared)
            guard try partial.isCurrent else { continue }
            if try partial.state.lifecycle == .bad || !isOurs && ContinuousClock.now > deadline {
                try partial.discard()
            } else if isOurs {
                return partial
            } else {
                // Somebody is taking it away; if that one is stopped in the middle of it, we do.
                usleep(10_000)
            }
        }
        throw StoreError.cache("the cache \(services.cache.path) keeps losing layer \(key.digest.short)")
    }

    // MARK: Progress

    /// Bytes of the uncompressed layer that are placed, from its start on, by whichever process.
    var placed: UInt64 { placedBytes.load(ordering: .acquiring) }
    private let placedBytes = Atomic<UInt64>(0)
    func setPlaced(_ bytes: UInt64) { placedBytes.max(bytes, ordering: .acquiringAndReleasing) }

    /// Bytes of the blob that this process has followed.
    var followed: UInt64 { followedBytes.load(ordering: .acquiring) }
    private let followedBytes = Atomic<UInt64>(0)
    func setFollowed(_ bytes: UInt64) { followedBytes.max(bytes, ordering: .acquiringAndReleasing) }

    /// Bytes of the layer that have come from the source, in this transfer and those before it: for those who watch.
    let received: ByteCounter

    func noteReceived(_ count: Int) {
        received.add(UInt64(count))
        state.withLock { $0.lastProgress = .now }
    }

    /// More is here: whoever waited for it is told, and it is followed.
    func madeProgress() {
        state.withLock { $0.lastProgress = .now }
        wakeWaiters()
        verifyIfDue()
    }

    func wakeWaiters() {
        let placed = placed
        let ready = state.withLock { state -> [RangeWaiter] in
            guard !state.waiters.isEmpty else { return [] }
            let ids = state.waiters.filter { _, waiter in
                waiter.chunks.map { chunks.hasAll($0) } ?? (placed >= waiter.front)
            }.keys
            return ids.compactMap { state.waiters.removeValue(forKey: $0) }
        }
        for waiter in ready { waiter.call(nil) }
    }

    // MARK: The end

    /// Something that is wanted cannot be had now: these chunks, or anything. Who waits for it is told, and so is who
    /// waits for the whole; others wait on. The transfer lives on: the next one who asks tries again.
    func fail(_ error: StoreError, of failed: Range<Int>? = nil) {
        let failed = layout == nil ? 0..<chunks.count : failed ?? 0..<chunks.count
        let (waiters, wasWhole) = state.withLock { state -> ([RangeWaiter], Bool) in
            // Whoever waits still looks at what has come in its place.
            if state.isEnded || state.isDiscarding { return ([], false) }
            let waiting = state.waiters.filter { $0.value.chunks?.overlaps(failed) ?? true }
            let wasWhole = state.isWholeWanted
            for id in waiting.keys { state.waiters[id] = nil }
            state.demands = state.demands.flatMap { $0.without(failed) }
            state.frontGoal = 0
            state.isWholeWanted = false
            // What fails when nobody waits any more, or yet, is no answer to anyone.
            if wasWhole || !waiting.isEmpty {
                state.recentFailures.note(error, of: failed, until: .now + services.patience.failure)
            }
            return (Array(waiting.values), wasWhole)
        }
        for waiter in waiters { waiter.call(error) }
        if wasWhole { onEnd(self, .failed(error)) }
    }

    /// Takes the directory away, in which others may be fetching; to be followed by `end`.
    func discard() throws {
        state.withLock { $0.isDiscarding = true }
        do {
            try partial.discard()
        } catch {
            state.withLock { $0.isDiscarding = false }
            throw error
        }
    }

    /// It is over: called once; what comes after is for nothing. False if it was over already.
    @discardableResult
    func end(_ end: End?) -> Bool {
        let ended = state.withLock { state -> (flights: [Flight], isVerifying: Bool)? in
            guard !state.isEnded else { return nil }
            state.isEnded = true
            return (state.flights, state.isVerifying)
        }
        guard let ended else { return false }
        for flight in ended.flights { flight.cancellation.cancel() }
        services.clock.remove(self)
        if let participant { partial.state.leave(participant) }
        if !ended.isVerifying { _ = try? partial.state.claim(.commit, .none) }
        if let end { onEnd(self, end) }
        // They look again, at what has become of the layer: not before that is known, or they would look here again.
        let waiters = state.withLock { state in
            state.isOver = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.call(nil) }
        return true
    }

    var isEnded: Bool { state.withLock { $0.isEnded } }
}
