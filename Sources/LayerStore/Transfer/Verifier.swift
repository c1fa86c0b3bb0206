// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import SystemPackage
private import Synchronization

/// Whom a verifier works for.
protocol VerifierHost: AnyObject, Sendable {
    /// Whether the layer is still to be brought: nothing is begun after that.
    var isFilling: Bool { get }
    /// More content is placed, up to so many bytes of the uncompressed layer.
    func contentPlaced(_ front: UInt64)
    /// The work goes on.
    func noteProgress()
    func verified(_ finding: Verifier.Finding)
}

/// Ingests what is here, in order from the first byte on, and makes the layer good at the end. One process does that for
/// all: the one that has the commit claim.
final class Verifier: Sendable {
    /// What comes of it.
    enum Finding: Sendable {
        /// All of it is here and its digest is right: serving starts. Not yet synced and committed.
        case good(LayerIndex)
        /// The bytes are not the layer's.
        case wrong(StoreError)
        /// Ingesting failed. What was fetched is as good as before, unless the error says otherwise.
        case failed(any Error)
        /// The bytes are right, and cannot be mounted.
        case unmountable(StoreError)
        /// The directory was taken away.
        case displaced
    }

    private enum Stage: Sendable {
        case idle
        /// A job ingests, or is about to.
        case running
        /// Another process has the commit claim.
        case elsewhere
    }

    private struct State: Sendable {
        var stage = Stage.idle
        /// The commit claim is ours: what any process brings, this one ingests, also while nobody here waits for it.
        var holdsClaim = false
    }

    private let partial: PartialLayer
    private let cache: CacheDirectory
    private let chunks: ChunkMap
    private let plan: any IngestPlan
    private let participant: StateFile.Participant?
    private let jobs: any JobQueue
    private let shutdown: Cancellation
    private let logger: Logger
    private let state = Mutex(State())

    /// Not too far at a time: a shutdown waits for it.
    private static let stride: UInt64 = 64 << 20

    init(
        partial: PartialLayer, chunks: ChunkMap, plan: any IngestPlan,
        participant: StateFile.Participant?, jobs: any JobQueue, shutdown: Cancellation, logger: Logger
    ) {
        self.partial = partial
        cache = partial.cache
        self.chunks = chunks
        self.plan = plan
        self.participant = participant
        self.jobs = jobs
        self.shutdown = shutdown
        self.logger = logger
    }

    private var key: LayerKey { partial.key }

    var isRunning: Bool { state.withLock { $0.stage == .running } }
    /// Whether this process ingests for all.
    var holdsClaim: Bool { state.withLock { $0.holdsClaim } }
    /// Whether another process did, when this one last tried.
    var isElsewhere: Bool { state.withLock { $0.stage == .elsewhere } }

    // MARK: Ingesting

    /// Starts to ingest if there is something to, and nobody here does.
    func startIfDue(for host: any VerifierHost) {
        guard host.isFilling, !shutdown.isCancelled, plan.ingested < chunks.front || chunks.isWhole else { return }
        let isFirst = state.withLock { state in
            defer { state.stage = .running }
            return state.stage != .running
        }
        guard isFirst else { return }
        jobs.submit { self.run(host) }
    }

    private func run(_ host: any VerifierHost) {
        var next = Stage.idle
        do {
            if try takeClaim() {
                guard try ingestAvailable(host) else { return finish(host) }
            } else {
                next = .elsewhere
            }
        } catch {
            host.verified(.failed(error))
            giveClaimBack()
        }
        if !host.isFilling { giveClaimBack() }
        state.withLock { [next] in $0.stage = next }
        // More may have come since the last look.
        if next == .idle, plan.ingested < chunks.front { startIfDue(for: host) }
    }

    /// False where another process ingests, or has told what it found.
    private func takeClaim() throws -> Bool {
        guard try partial.state.claim(.commit, .exclusive) else { return false }
        guard try partial.state.lifecycle == .filling else {
            partial.state.release(.commit)
            return false
        }
        state.withLock { $0.holdsClaim = true }
        try partial.state.setVerifier(participant)
        return true
    }

    /// Ingests what is here; false once that is all of the blob.
    private func ingestAvailable(_ host: any VerifierHost) throws -> Bool {
        while plan.ingested < chunks.front {
            if shutdown.isCancelled || !host.isFilling { return true }
            try plan.ingest(to: min(chunks.front, plan.ingested + Self.stride))
            if let front = plan.placedFront {
                try partial.state.setFront(front)
                host.contentPlaced(front)
            }
        }
        return plan.ingested < partial.state.blobSize
    }

    // MARK: The verdict

    /// The stage stays `running`: nothing comes after.
    private func finish(_ host: any VerifierHost) {
        let finding = finding(host)
        host.verified(finding)
        if case .good(let index) = finding { commit(index) } else { giveClaimBack() }
    }

    private func finding(_ host: any VerifierHost) -> Finding {
        do {
            let found = plan.finishDigest()
            guard found == key.digest else { return .wrong(.digestMismatch(expected: key.digest, found: found)) }
            let index = try plan.finishIndex()
            try plan.arrange(for: index) { host.noteProgress() }
            guard try partial.isCurrent else { return .displaced }
            try makeGood(index)
            return .good(index)
        } catch {
            let reason = StoreError(error, layer: key.digest)
            if case .unlistable = reason { return .unmountable(reason.asVerified) }
            return .failed(error)
        }
    }

    /// Serving starts at `good`; what makes it durable comes after.
    private func makeGood(_ index: LayerIndex) throws {
        try partial.state.setLayerSize(index.layerSize)
        if let digest = index.contentDigest { try partial.state.setContentDigest(digest) }
        let files = try LayerFiles(directory: partial.directory, layout: index.layout)
        try files.setLength(index.layerSize)
        // Before `good`: those who see that look for the index, and make it anew where it could not be kept.
        keepIndex(index)
        try partial.state.seal()
        try partial.state.setLifecycle(.good)
    }

    private func keepIndex(_ index: LayerIndex) {
        do {
            try cache.saveIndex(index, key, blobSize: partial.state.blobSize)
        } catch {
            logger.warning("\(key): its index could not be kept and is made anew when it is needed: \(error)")
        }
    }

    /// Commits what is good. By the holder of the commit claim, which it gives back.
    private func commit(_ index: LayerIndex) {
        do {
            try partial.commit(index.layout)
        } catch {
            // Those who have it open read on; the next mount fetches it again.
            logger.warning("\(key): could not be kept: \(error)")
            // The directory that is not committed is one of this boot's partial layers: whoever finds it looks at it.
            try? partial.discard()
        }
        giveClaimBack()
    }

    /// One who made it good was killed before the commit: that is done in its place.
    func commitIfLeft(_ index: LayerIndex) {
        do {
            guard try partial.state.claim(.commit, .exclusive) else { return }
            guard try partial.isCurrent else { return giveClaimBack() }
            jobs.submit { self.commit(index) }
        } catch {
            logger.notice("\(key): whether it was committed cannot be told, and is left to the next mount: \(error)")
            giveClaimBack()
        }
    }

    func giveClaimBack() {
        state.withLock { $0.holdsClaim = false }
        partial.state.release(.commit)
    }
}
