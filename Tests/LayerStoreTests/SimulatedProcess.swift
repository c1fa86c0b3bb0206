// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerStore

/// A process of a `FetchSchedule`: the real `Fetcher`, `ChunkClaimer`, `ChunkMap` and `WantList`, on simulated claims, a
/// simulated source and queues that the schedule runs.
final class SimulatedProcess: FetcherHost, @unchecked Sendable {
    // SAFETY: as for FetchSchedule.
    let number: Int
    unowned let schedule: FetchSchedule
    var isAlive = true
    private let forgetsNews: Bool
    private let chunks: ChunkMap
    private let claims: SimulatedClaims
    private let wants: Mutex<WantList>
    private let fetcher: Fetcher
    /// The chunks that each waiter waits for, until it is called.
    private var waiting: [Layer.WaiterID: Range<Int>] = [:]
    private var lastID: Layer.WaiterID = 0

    init(number: Int, schedule: FetchSchedule, forgetsNews: Bool) throws {
        self.number = number
        self.schedule = schedule
        self.forgetsNews = forgetsNews
        claims = SimulatedClaims(process: number, schedule: schedule)
        chunks = try ChunkMap(claims)
        wants = Mutex(WantList(at: schedule.now))
        let queue = SimulatedQueue(process: number, schedule: schedule)
        let blob = try Descriptor(
            mediaType: #require(MediaType("application/octet-stream")), digest: DigestHasher.digest(of: [1]),
            size: claims.blobSize)
        fetcher = Fetcher(
            blob: blob, source: SimulatedSource(process: number, schedule: schedule), chunks: chunks,
            claimer: ChunkClaimer(claims: claims, chunks: chunks, participant: number),
            queues: .init(demanded: queue, ahead: queue, whole: queue), runLimit: 6, shutdown: Cancellation())
    }

    private var presence: LayerTransfer.Presence { LayerTransfer.Presence(chunks: chunks, placed: 0) }

    // MARK: What its users do

    func want(_ run: Range<Int>, ahead: Int) {
        lastID += 1
        let id = lastID
        waiting[id] = run
        let reach = run.lowerBound..<min(schedule.disk.chunkCount, run.upperBound + ahead)
        let admission = wants.withLock {
            $0.add(id, .chunks(run), reach: .chunks(reach), at: schedule.now) { [weak self] in self?.called(id, $0) }
        }
        guard case .waiting = admission else { return waiting[id] = nil }
        chunksArrived()
        fetcher.schedule(for: self)
    }

    func readAhead(_ run: Range<Int>) {
        if wants.withLock({ $0.addAhead(.chunks(run), at: schedule.now) }) { fetcher.schedule(for: self) }
    }

    func wantWhole(_ isWanted: Bool) {
        wants.withLock { $0.setWholeWanted(isWanted, at: schedule.now) }
        cancelUnwanted()
        fetcher.schedule(for: self)
    }

    func cancel(_ number: UInt64) {
        guard lastID > 0 else { return }
        let id = number % lastID + 1
        let wasThere = wants.withLock { $0.cancel(id) }
        if wasThere != (waiting.removeValue(forKey: id) != nil) { schedule.report("a waiter was lost, or kept") }
        if wasThere { cancelUnwanted() }
    }

    private func cancelUnwanted() {
        if wants.withLock({ $0.dropIfUnwanted() }) { fetcher.cancelRequests() }
    }

    /// The look at peers that `LayerTransfer.tick` does.
    func tick() {
        let wanted = wants.withLock { $0.wantedChunks + ($0.isWholeWanted ? [0..<schedule.disk.chunkCount] : []) }
        var hasNews = false
        for run in wanted {
            do { hasNews = try chunks.refresh(run) || hasNews } catch { schedule.report("\(error)") }
        }
        if forgetsNews ? hasNews : chunks.takeNews() { tellArrivals() }
        fetcher.schedule(for: self)
    }

    private func called(_ id: Layer.WaiterID, _ error: StoreError?) {
        guard let run = waiting.removeValue(forKey: id) else { return schedule.report("waiter \(id) is called again") }
        if schedule.isInClaim(number) { schedule.report("a waiter is called under a lock") }
        if error == nil, !chunks.hasAll(run) { schedule.report("a waiter is told of what is not here") }
    }

    var isSatisfied: Bool { wants.withLock { !$0.isWholeWanted || chunks.isWhole } && waiting.isEmpty }

    func check() {
        for (id, run) in waiting {
            let isHere = schedule.disk.marks[run].allSatisfy { $0 == StateFile.presentMark }
            schedule.report("process \(number), waiter \(id) waits for \(run)\(isHere ? ", which is here" : "")")
        }
        if wants.withLock({ $0.isWholeWanted }), !chunks.isWhole { schedule.report("the whole did not come") }
    }

    // MARK: FetcherHost

    func wantsAnything(for purpose: RangeRequest.Purpose) -> Bool { !wanted(for: purpose).isEmpty }

    func wanted(for purpose: RangeRequest.Purpose) -> [Range<Int>] {
        let presence = presence
        return wants.withLock { wants in
            wants.dropPresent(presence)
            return switch purpose {
            case .demanded: wants.demanded(extension: 3)
            case .ahead: wants.ahead
            case .whole: wants.isWholeWanted && !chunks.isWhole ? [chunks.frontChunk..<chunks.count] : []
            }
        }
    }

    func makeWriter() throws -> any BlobWriter { SimulatedWriter(process: number, schedule: schedule) }

    func spending(_ rest: @escaping @Sendable () -> UInt64, _ body: () throws -> Void) throws { try body() }

    func received(_ count: Int) {}

    /// A process with `forgetsNews` tells its waiters of chunks that it fetched, and not of chunks that it found
    /// present while it claimed.
    func chunksArrived() {
        if forgetsNews, !claims.takeOwnMarks() { return }
        tellArrivals()
    }

    private func tellArrivals() {
        let presence = presence
        for waiter in wants.withLock({ $0.takeReady(presence) }) { waiter(nil) }
    }

    func fetchFailed(_ error: any Error, _ failed: Range<Int>) {
        let error = StoreError(error, layer: DigestHasher.digest(of: [1]))
        let told = wants.withLock { $0.fail(error, of: failed, at: schedule.now, memory: .milliseconds(50)) }
        for waiter in told.waiters { waiter(error) }
    }
}

/// A queue whose jobs the schedule runs at any time.
private struct SimulatedQueue: JobQueue, @unchecked Sendable {
    // SAFETY: as for FetchSchedule.
    let process: Int
    unowned let schedule: FetchSchedule

    func submit(_ job: @escaping @Sendable () -> Void) { schedule.submit(process, job) }
}

/// The claims of one process on the shared disk. Each step may be followed by steps of the other process.
private final class SimulatedClaims: ChunkClaims, @unchecked Sendable {
    // SAFETY: as for FetchSchedule.
    let process: Int
    unowned let schedule: FetchSchedule
    private var hasMarked = false

    init(process: Int, schedule: FetchSchedule) {
        self.process = process
        self.schedule = schedule
    }

    func takeOwnMarks() -> Bool {
        defer { hasMarked = false }
        return hasMarked
    }

    private var disk: SimulatedDisk { schedule.disk }
    /// The last chunk is shorter than the others.
    var blobSize: UInt64 { UInt64(disk.chunkCount) * StateFile.chunkSize - 100_000 }

    func chunkStates(_ chunks: Range<Int>) -> [UInt8] { schedule.claimStep(process) { Array(disk.marks[chunks]) } }

    func markPresent(_ chunks: Range<Int>) {
        for chunk in chunks {
            if !disk.isWritten[chunk] { schedule.report("chunk \(chunk) is marked before it is written") }
            if disk.owners[chunk] != process { schedule.report("chunk \(chunk) is marked without a claim") }
            disk.marks[chunk] = StateFile.presentMark
        }
        hasMarked = true
        schedule.pause(in: process)
    }

    func claimChunks(_ chunks: Range<Int>) -> Bool {
        schedule.claimStep(process) {
            guard disk.owners[chunks].allSatisfy({ $0 == nil || $0 == process }) else { return false }
            for chunk in chunks { disk.owners[chunk] = process }
            return true
        }
    }

    func releaseChunks(_ chunks: Range<Int>) {
        for chunk in chunks where disk.owners[chunk] == process { disk.owners[chunk] = nil }
    }

    func claimedElsewhere(_ chunks: Range<Int>) -> Range<Int>? {
        schedule.claimStep(process) {
            guard let first = chunks.first(where: { disk.owners[$0].map { $0 != process } ?? false }) else {
                return nil
            }
            let end = chunks.suffix(from: first).first { disk.owners[$0] != disk.owners[first] } ?? chunks.upperBound
            return first..<end
        }
    }

    func recordFetcher(_ participant: StateFile.Participant?, of chunks: Range<Int>) {
        schedule.claimStep(process) {
            for chunk in chunks {
                if disk.marks[chunk] == StateFile.presentMark { schedule.report("the mark of chunk \(chunk) is lost") }
                disk.marks[chunk] = participant == nil ? 0 : 1
            }
        }
    }
}

/// Sends each chunk in one piece. Other steps of the schedule may come before each.
private struct SimulatedSource: OriginSource, @unchecked Sendable {
    // SAFETY: as for FetchSchedule.
    let process: Int
    unowned let schedule: FetchSchedule
    private static let piece = [UInt8](repeating: 0, count: Int(StateFile.chunkSize))

    var trouble: String? { nil }
    func distrust(_ blob: Descriptor) -> Bool { false }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        var position = range.start
        while position < range.end {
            schedule.pause(in: process)
            if cancellation.isCancelled { throw SourceError.cancelled }
            if let failure = schedule.requestFailure(startsAt: Int(position / StateFile.chunkSize)) { throw failure }
            let count = min(StateFile.chunkSize, range.end - position)
            try receive(Self.piece.span.bytes.extracting(0..<Int(count)))
            position += count
        }
    }
}

private final class SimulatedWriter: BlobWriter {
    let process: Int
    unowned let schedule: FetchSchedule

    init(process: Int, schedule: FetchSchedule) {
        self.process = process
        self.schedule = schedule
    }

    func write(_ bytes: RawSpan, at offset: UInt64) {
        let chunk = Int(offset / StateFile.chunkSize)
        if schedule.disk.owners[chunk] != process { schedule.report("chunk \(chunk) is written without a claim") }
        if schedule.disk.marks[chunk] == StateFile.presentMark { schedule.report("chunk \(chunk) comes again") }
        schedule.disk.isWritten[chunk] = true
        schedule.pause(in: process)
    }
}
