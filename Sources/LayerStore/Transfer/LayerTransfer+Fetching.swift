// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import OCI
internal import SystemPackage
private import Synchronization
internal import Threading

/// Fetching: what readers wait for first, then what is wanted as a whole, in order, several runs at a time.
extension LayerTransfer {
    /// Requests at a time for one layer, in the background; those that readers wait for come on top.
    private static let backgroundLimit = 4
    private static let demandLimit = 8

    /// Starts as many jobs as there is work for.
    func schedule() {
        if services.shutdown.isCancelled { return }
        let wanted = state.withLock { state -> (demanded: Int, background: Int) in
            guard !state.isEnded else { return (0, 0) }
            // One stream is all there is to be had where ranges are refused.
            let limit = state.mustStream ? 1 : Self.backgroundLimit
            var background = 0
            if state.isWholeWanted || leadingChunks(state) != nil, state.backgroundWorkers < limit { background = 1 }
            var demanded = 0
            if !state.demands.isEmpty, !state.mustStream, state.demandWorkers < Self.demandLimit { demanded = 1 }
            if state.mustStream, !state.demands.isEmpty || !state.waiters.isEmpty, state.backgroundWorkers < limit {
                background = 1
            }
            state.backgroundWorkers += background
            state.demandWorkers += demanded
            return (demanded, background)
        }
        if wanted.demanded > 0 { services.demanding.submit { self.work(isDemanded: true) } }
        if wanted.background > 0 { services.fetching.submit { self.work(isDemanded: false) } }
    }

    /// Of a compressed layer, what is to be fetched since more of its content is needed; nil if there is enough. How much of
    /// the blob that is nobody knows: the one who decompresses it fetches no further ahead of that than it must to be fast,
    /// also while a slow request holds up what is before it.
    private func leadingChunks(_ state: State) -> Range<Int>? {
        guard layout == nil, placed < state.frontGoal, !chunks.isWhole else { return nil }
        let front = chunks.frontChunk
        if state.waitsForVerifier { return front..<chunks.count }
        let lead = UInt64(Self.backgroundLimit * services.room.runLimit) * StateFile.chunkSize
        let end = min(chunks.count, Int((followed + lead) / StateFile.chunkSize))
        return front < end ? front..<end : nil
    }

    /// One run; then others have their turn.
    private func work(isDemanded: Bool) {
        let next = nextFlight(isDemanded: isDemanded)
        if case .flight(let flight) = next {
            // Another may go on beside this one.
            schedule()
            fetch(flight)
        }
        state.withLock { state in
            if isDemanded { state.demandWorkers -= 1 } else { state.backgroundWorkers -= 1 }
        }
        switch next {
        case .flight: schedule()
        case .failed(let error, let run): failed(error, run)
        case .nothing: break
        }
    }

    // MARK: Choosing

    private enum Next { case flight(Flight), failed(any Error, Range<Int>), nothing }

    /// Claims the next run, if there is one that is wanted and free.
    private func nextFlight(isDemanded: Bool) -> Next {
        claiming.withLock { _ in
            let (candidates, busy, mustStream) = state.withLock { state in
                guard !state.isEnded else { return ([Range<Int>](), [Range<Int>](), false) }
                var candidates = state.demands
                if !isDemanded {
                    let leading = state.isWholeWanted ? chunks.frontChunk..<chunks.count : leadingChunks(state)
                    if let leading { candidates.append(leading) }
                }
                return (candidates, state.flights.map(\.chunks), state.mustStream)
            }
            if mustStream {
                guard busy.isEmpty, !candidates.isEmpty, !chunks.isWhole else { return .nothing }
                return takeOff(chunks.frontChunk..<chunks.count, isStream: true, isBlocked: false)
            }
            var isBlocked = false
            for candidate in candidates {
                var rest = candidate
                while let run = freeRun(in: rest, busy) {
                    do {
                        switch try claim(run) {
                        case .claimed(let claimed):
                            return takeOff(claimed, isStream: false, isBlocked: isBlocked)
                        case .elsewhere(let others):
                            isBlocked = true
                            rest = min(others.upperBound, rest.upperBound)..<rest.upperBound
                        case .here:
                            break  // it came meanwhile: look again
                        }
                    } catch {
                        return .failed(error, run)
                    }
                }
            }
            state.withLock { state in
                state.waitsForChunks = isBlocked
                state.demands.removeAll { chunks.hasAll($0) }
            }
            return .nothing
        }
    }

    /// The first run of chunks that are neither here nor being fetched by us.
    private func freeRun(in candidate: Range<Int>, _ busy: [Range<Int>]) -> Range<Int>? {
        var rest = candidate
        while let missing = chunks.missing(in: rest, limit: services.room.runLimit) {
            if let flight = busy.first(where: { $0.contains(missing.lowerBound) }) {
                guard flight.upperBound < rest.upperBound else { return nil }
                rest = flight.upperBound..<rest.upperBound
                continue
            }
            let end = busy.map(\.lowerBound).filter { $0 > missing.lowerBound }.min() ?? missing.upperBound
            return missing.lowerBound..<min(missing.upperBound, end)
        }
        return nil
    }

    private enum Claim { case claimed(Range<Int>), elsewhere(Range<Int>), here }

    /// Claims a run, or the first part of it that no other process has. On failure it has claimed nothing.
    private func claim(_ wanted: Range<Int>) throws(Errno) -> Claim {
        var run = wanted
        while try !partial.state.claimChunks(run) {
            // Freed between the two calls: try again.
            guard let others = partial.state.claimedElsewhere(run) else { continue }
            guard others.lowerBound > run.lowerBound else { return .elsewhere(others) }
            run = run.lowerBound..<others.lowerBound
        }
        do throws(Errno) {
            // Whoever had it before may have brought it.
            if try chunks.refresh(run) {
                guard let missing = chunks.missing(in: run) else {
                    partial.state.releaseChunks(run)
                    return .here
                }
                partial.state.releaseChunks(run.lowerBound..<missing.lowerBound)
                partial.state.releaseChunks(missing.upperBound..<run.upperBound)
                run = missing
            }
            try partial.state.sign(run, participant)
        } catch {
            partial.state.releaseChunks(run)
            throw error
        }
        return .claimed(run)
    }

    private func takeOff(_ run: Range<Int>, isStream: Bool, isBlocked: Bool) -> Next {
        let flight = state.withLock { state -> Flight? in
            state.waitsForChunks = isBlocked
            // A sibling was told meanwhile that ranges are ignored: what flies is the stream then.
            guard !state.isEnded, state.mustStream == isStream else { return nil }
            let flight = Flight(id: state.nextFlight, chunks: run, isStream: isStream, cancellation: Cancellation())
            state.nextFlight += 1
            state.flights.append(flight)
            return flight
        }
        if let flight { return .flight(flight) }
        if !isStream { partial.state.releaseChunks(run) }
        return .nothing
    }

    // MARK: Fetching

    private func fetch(_ flight: Flight) {
        if services.shutdown.isCancelled { flight.cancellation.cancel() }
        let isStream = flight.isStream
        let before = chunks.presentBytes
        let result = Result {
            try services.room.admitted(key) { [chunks] in
                isStream ? chunks.blobSize - chunks.presentBytes : chunks.missingBytes(in: flight.chunks)
            } _: {
                if isStream { try fetchStream(flight) } else { try fetchRun(flight) }
            }
        }
        state.withLock { $0.flights.removeAll { $0.id == flight.id } }
        if isStream { state.withLock { $0.mustStream = false } }
        switch result {
        case .success, .failure(SourceError.cancelled): break
        case .failure(is RangesIgnored) where !isStream || chunks.presentBytes > before: stream()
        case .failure(let error): failed(error, flight.chunks)
        }
    }

    private func fetchRun(_ flight: Flight) throws {
        let range = chunks.bytes(of: flight.chunks)
        var marker = ChunkMarker(state: partial.state, run: range)
        defer {
            // Still claimed, and not here: nobody is to wait for us.
            let rest = max(marker.markedChunks, flight.chunks.lowerBound)..<flight.chunks.upperBound
            claiming.withLock { _ in
                if !rest.isEmpty { try? partial.state.sign(rest, nil) }
                partial.state.releaseChunks(rest)
            }
        }
        let writer = try follower.writer()
        let assembler = ChunkAssembler(range)
        try source.fetch(blob, range: range, cancellation: flight.cancellation) { piece in
            noteReceived(piece.byteCount)
            try assembler.take(piece) { bytes, offset in
                try writer.write(bytes, at: offset)
                if let arrived = try marker.advance(by: bytes.byteCount) { land(arrived) }
            }
        }
    }

    // MARK: Streams

    /// The registry ignores ranges, as a proxy may that has not got the blob yet: all of it comes, from its start on, and
    /// what is missing is taken out of that. Ranges are tried again once the stream has ended.
    private func stream() {
        let flights = state.withLock { state -> [Flight] in
            // A sibling was told the same: what flies by now is the stream.
            guard !state.mustStream else { return [] }
            state.mustStream = true
            return state.flights
        }
        for flight in flights { flight.cancellation.cancel() }
        services.logger.info("\(key): the registry ignores ranges; taking the blob as one stream")
    }

    private func fetchStream(_ flight: Flight) throws {
        let writer = try follower.writer()
        let all = ByteRange(upTo: blob.size)
        let assembler = ChunkAssembler(all)
        try source.fetch(blob, range: all, cancellation: flight.cancellation) { piece in
            noteReceived(piece.byteCount)
            try assembler.take(piece) { bytes, offset in
                let chunk = Int(offset / StateFile.chunkSize)
                guard try takeForStream(chunk) else { return }
                do {
                    try writer.write(bytes, at: offset)
                    try partial.state.markPresent(chunk..<(chunk + 1))
                } catch {
                    partial.state.releaseChunks(chunk..<(chunk + 1))
                    throw error
                }
                land(chunk..<(chunk + 1))
            }
        }
    }

    private func takeForStream(_ chunk: Int) throws -> Bool {
        let one = chunk..<(chunk + 1)
        if chunks.hasAll(one) { return false }
        return try claiming.withLock { _ in
            guard try partial.state.claimChunks(one) else { return false }
            if try chunks.refresh(one) {
                partial.state.releaseChunks(one)
                return false
            }
            try partial.state.sign(one, participant)
            return true
        }
    }

    // MARK: What comes of it

    /// Chunks have come: told to all, in this process and in others.
    private func land(_ arrived: Range<Int>) {
        chunks.insert(arrived)
        partial.state.releaseChunks(arrived)
        madeProgress()
    }

    private func failed(_ error: any Error, _ wanted: Range<Int>) {
        // The limit's answer is final: what could go for it has gone. The disk's is not.
        let isDisk = error is Errno
        if isDisk, (try? partial.isCurrent) == false {
            // Its directory was taken away; by another process, unless the end is near.
            let isOurs = state.withLock { $0.isDiscarding || $0.isEnded }
            if !isOurs, (try? lookAtLifecycle()) ?? true { end(.superseded) }
            return
        }
        let error = StoreError(error, layer: key.digest)
        switch error {
        case .noSpace where isDisk && makeSomeRoom(for: wanted):
            schedule()
        case .noSpace:
            // Nothing half-written stays, and room comes free.
            try? discard()
            end(.failed(error))
        default:
            fail(error, of: wanted)
        }
    }

    private func makeSomeRoom(for wanted: Range<Int>) -> Bool {
        services.room.makeSome(chunks.bytes(of: wanted).count, for: key, reached: chunks.presentBytes)
    }
}
