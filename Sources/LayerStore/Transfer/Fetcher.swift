// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI
internal import SystemPackage
private import Synchronization

/// The owner of a fetcher.
protocol FetcherHost: AnyObject, Sendable {
    /// Whether any chunks are wanted for this purpose.
    func wantsAnything(for purpose: RangeRequest.Purpose) -> Bool
    /// Runs of chunks that are wanted for this purpose, in order. Some of the chunks may be present.
    func wanted(for purpose: RangeRequest.Purpose) -> [Range<Int>]
    /// A writer for the fetched bytes. Each belongs to one thread.
    func makeWriter() throws -> any BlobWriter
    /// Runs `body`, which fetches. `rest` returns the bytes that are still to come. Throws if there is no space.
    func spending(_ rest: @escaping @Sendable () -> UInt64, _ body: () throws -> Void) throws
    /// Called when `count` bytes have arrived from the source.
    func received(_ count: Int)
    /// Called when more chunks are present than were known.
    func chunksArrived()
    /// Called when these chunks cannot be fetched now.
    func fetchFailed(_ error: any Error, _ chunks: Range<Int>)
}

/// A queue for jobs that may block.
protocol JobQueue: Sendable {
    func submit(_ job: @escaping @Sendable () -> Void)
}

/// Fetches chunks: chooses the next run, claims it, fetches, writes, marks, and tells the host.
///
/// Lock order: `claiming`, then `book`. `claiming` is held over locks on the state file, which never wait. Neither is
/// held over a request, a write of content, or a call of the host that may call others. The host is passed with each
/// call, and lives as long as any job for it.
final class Fetcher: Sendable {
    struct Queues: Sendable {
        let demanded: any JobQueue
        let ahead: any JobQueue
        let whole: any JobQueue

        subscript(_ purpose: RangeRequest.Purpose) -> any JobQueue {
            switch purpose {
            case .demanded: demanded
            case .ahead: ahead
            case .whole: whole
            }
        }
    }

    let blob: Descriptor
    let source: any BlobSource
    let chunks: ChunkMap
    let claimer: ChunkClaimer
    private let queues: Queues
    /// The most chunks in one request.
    private let runLimit: Int
    private let shutdown: Cancellation
    private let claiming = Mutex(())
    private let book = Mutex(Book())

    private enum Mode: Sendable {
        case ranges
        /// The source ignores ranges. The blob is fetched in one stream, from its start.
        case stream
    }

    private struct Book: Sendable {
        var requests: [RangeRequest] = []
        var lastID: UInt64 = 0
        /// The number of jobs that choose or fetch.
        var jobs: [RangeRequest.Purpose: Int] = [:]
        var mode = Mode.ranges
        /// Another process has claimed chunks that are wanted here.
        var isBlocked = false
        var isStopped = false
    }

    init(
        blob: Descriptor, source: any BlobSource, chunks: ChunkMap, claimer: ChunkClaimer,
        queues: Queues, runLimit: Int, shutdown: Cancellation
    ) {
        self.blob = blob
        self.source = source
        self.chunks = chunks
        self.claimer = claimer
        self.queues = queues
        self.runLimit = runLimit
        self.shutdown = shutdown
    }

    /// Whether another process was fetching wanted chunks when this process last chose.
    var isBlocked: Bool { book.withLock { $0.isBlocked } }

    /// Whether no request is in progress.
    var isIdle: Bool { book.withLock { $0.requests.isEmpty } }

    // MARK: Jobs

    /// Starts one job for each purpose that has wanted chunks. A job that finds work starts the next one.
    func schedule(for host: any FetcherHost) {
        if shutdown.isCancelled { return }
        for purpose in RangeRequest.Purpose.allCases where start(purpose, host) {
            queues[purpose].submit { self.work(purpose, host) }
        }
    }

    private func start(_ purpose: RangeRequest.Purpose, _ host: any FetcherHost) -> Bool {
        let mode = book.withLock { $0.mode }
        let isWanted =
            switch mode {
            case .ranges: host.wantsAnything(for: purpose)
            // In stream mode one stream serves all purposes.
            case .stream:
                purpose == .whole && RangeRequest.Purpose.allCases.contains { host.wantsAnything(for: $0) }
            }
        guard isWanted else { return false }
        return book.withLock { book in
            let limit = book.mode == .stream ? 1 : purpose.limit
            guard !book.isStopped, book.mode == mode, book.jobs[purpose, default: 0] < limit else { return false }
            book.jobs[purpose, default: 0] += 1
            return true
        }
    }

    /// Runs one request. Then other jobs of the queue have their turn.
    private func work(_ purpose: RangeRequest.Purpose, _ host: any FetcherHost) {
        let next = next(purpose, host)
        tellNews(host)
        if case .request(let request) = next {
            // Another request may run beside this one.
            schedule(for: host)
            fetch(request, host)
        }
        book.withLock { $0.jobs[purpose, default: 1] -= 1 }
        switch next {
        case .request: schedule(for: host)
        case .failed(let error, let run): host.fetchFailed(error, run)
        case .nothing: break
        }
    }

    /// Tells the host if chunks of other processes were found: any look at the state may find some.
    private func tellNews(_ host: any FetcherHost) { if chunks.takeNews() { host.chunksArrived() } }

    /// Cancels all requests in progress: nobody wants them.
    func cancelRequests() {
        for request in book.withLock({ $0.requests }) { request.cancellation.cancel() }
    }

    /// Starts no more requests, and cancels those in progress.
    func stop() {
        book.withLock { $0.isStopped = true }
        cancelRequests()
    }

    // MARK: Choosing

    private enum Next { case request(RangeRequest), failed(any Error, Range<Int>), nothing }

    /// Claims the next run that is wanted and free.
    private func next(_ purpose: RangeRequest.Purpose, _ host: any FetcherHost) -> Next {
        claiming.withLock { _ in
            let (busy, mode, isStopped) = book.withLock { ($0.requests.map(\.chunks), $0.mode, $0.isStopped) }
            if isStopped { return .nothing }
            if mode == .stream {
                guard busy.isEmpty, !chunks.isWhole else { return .nothing }
                return begin(chunks.frontChunk..<chunks.count, as: .stream, isBlocked: false)
            }
            var isBlocked = false
            for candidate in host.wanted(for: purpose) {
                var rest = candidate
                while let run = freeRun(in: rest, busy) {
                    do {
                        switch try claimer.claim(run) {
                        case .claimed(let claimed): return begin(claimed, as: .ranges, isBlocked: isBlocked)
                        case .elsewhere(let others):
                            isBlocked = true
                            rest = min(others.upperBound, rest.upperBound)..<rest.upperBound
                        case .present: break  // known now: the next free run is another
                        }
                    } catch {
                        return .failed(error, run)
                    }
                }
            }
            book.withLock { $0.isBlocked = isBlocked }
            return .nothing
        }
    }

    /// The first run of chunks that are neither present nor being fetched by this process.
    private func freeRun(in candidate: Range<Int>, _ busy: [Range<Int>]) -> Range<Int>? {
        var rest = candidate
        while let missing = chunks.missing(in: rest, limit: runLimit) {
            if let request = busy.first(where: { $0.contains(missing.lowerBound) }) {
                guard request.upperBound < rest.upperBound else { return nil }
                rest = request.upperBound..<rest.upperBound
                continue
            }
            let end = busy.map(\.lowerBound).filter { $0 > missing.lowerBound }.min() ?? missing.upperBound
            return missing.lowerBound..<min(missing.upperBound, end)
        }
        return nil
    }

    private func begin(_ run: Range<Int>, as mode: Mode, isBlocked: Bool) -> Next {
        let request = book.withLock { book -> RangeRequest? in
            book.isBlocked = isBlocked
            // Another request may have found meanwhile that ranges are ignored. Then the stream is fetched instead.
            guard !book.isStopped, book.mode == mode else { return nil }
            book.lastID += 1
            let request = RangeRequest(
                id: book.lastID, chunks: run, isStream: mode == .stream, cancellation: Cancellation())
            book.requests.append(request)
            return request
        }
        if let request { return .request(request) }
        if mode == .ranges { claimer.claims.releaseChunks(run) }
        return .nothing
    }

    // MARK: Fetching

    private func fetch(_ request: RangeRequest, _ host: any FetcherHost) {
        if shutdown.isCancelled { request.cancellation.cancel() }
        let before = chunks.presentBytes
        let result = Result {
            try host.spending { [chunks] in
                request.isStream ? chunks.blobSize - chunks.presentBytes : chunks.missingBytes(in: request.chunks)
            } _: {
                if request.isStream { try fetchStream(request, host) } else { try fetchRun(request, host) }
            }
        }
        // If `spending` throws before the fetch, the claim is still held.
        if case .failure = result, !request.isStream { giveBackMissing(of: request.chunks) }
        book.withLock { book in
            book.requests.removeAll { $0.id == request.id }
            // After the stream, ranges are tried again.
            if request.isStream { book.mode = .ranges }
        }
        switch result {
        case .success, .failure(SourceError.cancelled): break
        case .failure(is RangesIgnored) where !request.isStream || chunks.presentBytes > before: switchToStream()
        case .failure(let error): host.fetchFailed(error, request.chunks)
        }
    }

    private func fetchRun(_ request: RangeRequest, _ host: any FetcherHost) throws {
        let range = chunks.bytes(of: request.chunks)
        var marker = ChunkMarker(state: claimer.claims, run: range)
        let writer = try host.makeWriter()
        let assembler = ChunkAssembler(range)
        try source.fetch(blob, range: range, cancellation: request.cancellation) { piece in
            host.received(piece.byteCount)
            try assembler.take(piece) { bytes, offset in
                try writer.write(bytes, at: offset)
                if let arrived = try marker.advance(by: bytes.byteCount) { arrive(arrived, host) }
            }
        }
        // A source that ends early without an error must leave no claim behind.
        giveBackMissing(of: request.chunks)
    }

    private func giveBackMissing(of run: Range<Int>) {
        guard let missing = chunks.missing(in: run) else { return }
        claiming.withLock { _ in
            do {
                try claimer.giveBack(missing.lowerBound..<run.upperBound)
            } catch {
                // The claim is released all the same. A process that looks for the fetcher finds one without a
                // heartbeat for it.
            }
        }
    }

    /// Notes chunks that have arrived, and tells this process. Other processes see that the claim is released.
    private func arrive(_ arrived: Range<Int>, _ host: any FetcherHost) {
        chunks.insert(arrived)
        claimer.claims.releaseChunks(arrived)
        tellNews(host)
    }

    // MARK: Streams

    /// Switches to stream mode. The registry ignores ranges, as a proxy does that does not have the blob yet. The whole
    /// blob is fetched from its start, and the missing chunks are taken from it.
    private func switchToStream() {
        let isFirst = book.withLock { book in
            defer { book.mode = .stream }
            return book.mode != .stream
        }
        // Another request switched first: the request in progress by now is the stream.
        if isFirst { cancelRequests() }
    }

    private func fetchStream(_ request: RangeRequest, _ host: any FetcherHost) throws {
        let writer = try host.makeWriter()
        let all = ByteRange(upTo: blob.size)
        let assembler = ChunkAssembler(all)
        try source.fetch(blob, range: all, cancellation: request.cancellation) { piece in
            host.received(piece.byteCount)
            try assembler.take(piece) { bytes, offset in
                let chunk = Int(offset / StateFile.chunkSize)
                let one = chunk..<(chunk + 1)
                guard try takeForStream(one) else { return tellNews(host) }
                do {
                    try writer.write(bytes, at: offset)
                    try claimer.claims.markPresent(one)
                } catch {
                    claimer.claims.releaseChunks(one)
                    throw error
                }
                arrive(one, host)
            }
        }
    }

    private func takeForStream(_ chunk: Range<Int>) throws -> Bool {
        if chunks.hasAll(chunk) { return false }
        return try claiming.withLock { _ in
            if case .claimed = try claimer.claim(chunk) { true } else { false }
        }
    }
}
