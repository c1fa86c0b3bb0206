// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import SystemPackage
private import Synchronization

/// The owner of a verifier.
protocol VerifierHost: AnyObject, Sendable {
    /// Whether the layer is still being filled. Otherwise no work is begun.
    var isFilling: Bool { get }
    /// Called when content is placed up to this offset in the uncompressed layer.
    func contentPlaced(_ front: UInt64)
    /// Called while the work goes on.
    func noteProgress()
    func verified(_ finding: Verifier.Finding)
}

/// Ingests present chunks in order from the first byte, and makes the layer good at the end. One process does this for
/// all: the holder of the commit claim.
final class Verifier: Sendable {
    /// The result of verification.
    enum Finding: Sendable {
        /// The layer is whole and its digest is right, so serving starts. It is not yet synced and committed.
        case good(LayerIndex)
        /// The bytes are not the layer's.
        case wrong(StoreError)
        /// Ingesting failed. The fetched chunks are still good, unless the error says otherwise.
        case failed(any Error)
        /// The bytes are right, but cannot be mounted.
        case unmountable(StoreError)
        /// The directory was removed.
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
        /// Whether this process has the commit claim. It then ingests what any process fetches, even if nobody here
        /// waits for it.
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

    /// The most bytes to ingest between two checks for a shutdown, which waits for them.
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
    /// Whether another process had the commit claim when this one last tried.
    var isElsewhere: Bool { state.withLock { $0.stage == .elsewhere } }

    // MARK: Ingesting

    /// Starts a job to ingest if there is something to ingest and no job runs.
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
        // More chunks may have arrived since the last look.
        if next == .idle, plan.ingested < chunks.front { startIfDue(for: host) }
    }

    /// Returns false if another process ingests, or has already reported its finding.
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

    /// Ingests what is present. Returns false once the whole blob is ingested.
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

    /// Reports the finding. The stage stays `running`, so that no other job starts.
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

    /// Makes the layer good. Serving starts then; the layer is made durable afterwards.
    private func makeGood(_ index: LayerIndex) throws {
        try partial.state.setLayerSize(index.layerSize)
        if let digest = index.contentDigest { try partial.state.setContentDigest(digest) }
        let files = try LayerFiles(directory: partial.directory, layout: index.layout)
        try files.setLength(index.layerSize)
        // The index is saved before `good`: processes that see `good` look for it, and rebuild it if it is missing.
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

    /// Commits a good layer. Called by the holder of the commit claim, which is given back.
    private func commit(_ index: LayerIndex) {
        do {
            try partial.commit(index.layout)
        } catch {
            // Processes that have the layer open read on. The next mount fetches it again.
            logger.warning("\(key): could not be kept: \(error)")
            // If the removal fails, the directory stays a partial layer of this boot. The next process that opens it
            // checks it.
            try? partial.discard()
        }
        giveClaimBack()
    }

    /// Commits the layer if the process that made it good was killed before the commit.
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
