// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import OCI
internal import SystemPackage
internal import Synchronization

/// What readers and openers want of a layer, and how they wait for it.
extension LayerTransfer {
    /// Whether these bytes of the uncompressed layer can be read.
    func has(_ range: ByteRange) -> Bool { plan.need(range, in: chunks).isMet(presence) }

    /// Calls back once `range` of the uncompressed layer can be read, or with the error why it cannot. Also calls back
    /// when the transfer has ended: the caller should look again then. `ahead`: bytes behind the range that will be
    /// wanted next. Returns false if it called back at once.
    func want(_ range: ByteRange, ahead: UInt64, id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) -> Bool {
        let (end, _) = range.end.addingReportingOverflow(ahead)
        let need = plan.need(range, in: chunks)
        let reach = plan.need(ByteRange(start: range.start, count: end - range.start) ?? range, in: chunks)
        switch wants.withLock({ $0.add(id, need, reach: reach, at: .now, waiter) }) {
        case .waiting: break
        case .refused(let error):
            waiter(error)
            return false
        case .closed:
            waiter(nil)
            return false
        }
        // The bytes may have arrived between the check and the wait.
        wakeWaiters()
        verifier.startIfDue(for: self)
        fetcher.schedule(for: self)
        return true
    }

    /// Notes a range that readers will want next, although nobody waits for it yet.
    func readAhead(_ range: ByteRange) {
        let need = plan.need(range, in: chunks)
        guard wants.withLock({ $0.addAhead(need, at: .now) }) else { return }
        fetcher.schedule(for: self)
    }

    func cancel(_ id: Layer.WaiterID) {
        if wants.withLock({ $0.cancel(id) }) { cancelUnwanted() }
    }

    /// Notes whether the whole layer is wanted, verified. May be called under the lock of the deciding stage, so that
    /// the last decision counts. The caller must then call `wholeWantChanged` without that lock.
    func setWholeWanted(_ isWanted: Bool) { wants.withLock { $0.setWholeWanted(isWanted, at: .now) } }

    func wholeWantChanged() {
        cancelUnwanted()
        verifier.startIfDue(for: self)
        fetcher.schedule(for: self)
    }

    private func cancelUnwanted() {
        if wants.withLock({ $0.dropIfUnwanted() }) { fetcher.cancelRequests() }
    }

    var isWanted: Bool { wants.withLock { $0.isWanted } }
    var waiterCount: Int { wants.withLock { $0.waiterCount } }
}

extension LayerTransfer: FetcherHost {
    /// Chunks by which a request is extended. A request for the first MiB of a file takes no longer than a smaller one.
    private static let demandExtension = 3

    func wantsAnything(for purpose: RangeRequest.Purpose) -> Bool {
        wants.withLock { wants in
            switch purpose {
            case .demanded: wants.waiterCount > 0
            case .ahead: !wants.ahead.isEmpty
            case .whole: wholeRun(wants) != nil
            }
        }
    }

    func wanted(for purpose: RangeRequest.Purpose) -> [Range<Int>] {
        let presence = presence
        return wants.withLock { wants in
            wants.dropPresent(presence)
            return switch purpose {
            case .demanded: wants.demanded(extension: Self.demandExtension)
            case .ahead: wants.ahead
            case .whole: wholeRun(wants).map { [$0] } ?? []
            }
        }
    }

    private func wholeRun(_ wants: WantList) -> Range<Int>? {
        if wants.isWholeWanted { return chunks.isWhole ? nil : chunks.frontChunk..<chunks.count }
        return plan.leadingChunks(
            to: wants.frontGoal, placed: placed, chunks, isVerifiedElsewhere: verifier.isElsewhere)
    }

    func makeWriter() throws -> any BlobWriter { try plan.makeWriter() }

    func spending(_ rest: @escaping @Sendable () -> UInt64, _ body: () throws -> Void) throws {
        try services.space.charging(key, rest: rest, body)
    }

    func received(_ count: Int) {
        received.add(UInt64(count))
        wants.withLock { $0.noteProgress(at: .now) }
    }

    func chunksArrived() { madeProgress() }

    func fetchFailed(_ error: any Error, _ wanted: Range<Int>) {
        let isDisk = error is Errno
        // The directory may have been removed. Unless this transfer is ending, another process did that.
        if isDisk, !isCurrent {
            if isFilling, lookAtLifecycle() { end(.superseded) }
            return
        }
        let error = StoreError(error, layer: key.digest)
        switch error {
        // The limit's refusal is final: everything that may be evicted was evicted. The disk's is not.
        case .noSpace where isDisk && reclaim(for: wanted):
            fetcher.schedule(for: self)
        case .noSpace:
            // The partial layer is removed, which frees its space.
            discard()
            end(.failed(error))
        default:
            fail(error, of: wanted)
        }
    }

    private func reclaim(for wanted: Range<Int>) -> Bool {
        services.space.reclaim(chunks.bytes(of: wanted).count, for: key, reached: chunks.presentBytes) { isFilling }
    }
}
