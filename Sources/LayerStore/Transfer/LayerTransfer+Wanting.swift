// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import Synchronization

/// What readers and openers want of a layer, and how they wait for it.
extension LayerTransfer {
    /// Wants all of it, verified: `onEnd` tells.
    func wantWhole() {
        state.withLock { state in
            state.isWholeWanted = true
            state.lastProgress = .now
        }
        verifyIfDue()
        schedule()
    }

    /// Nobody waits for all of it any more.
    func unwantWhole() {
        state.withLock { $0.isWholeWanted = false }
        cancelWhatNobodyWants()
    }

    /// Whether these bytes of the uncompressed layer can be read.
    func has(_ range: ByteRange) -> Bool {
        layout == nil ? placed >= range.end : chunks.hasAll(chunks.chunks(of: range))
    }

    /// Calls back once `range` of the uncompressed layer can be read, or cannot be had; or when the layer has become
    /// another matter, and the caller should look again. `ahead`: bytes behind it that will be wanted next.
    /// False if it was called back at once.
    func want(_ range: ByteRange, ahead: UInt64, id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) -> Bool {
        let (end, _) = range.end.addingReportingOverflow(ahead)
        let wanted = layout == nil ? nil : chunks.chunks(of: range)
        let demanded =
            layout == nil ? nil : chunks.chunks(of: ByteRange(start: range.start, count: end - range.start) ?? range)
        let now = ContinuousClock.now
        let refusal = state.withLock { state -> StoreError?? in
            if state.isOver { return .some(nil) }
            if let error = state.recentFailures.error(of: wanted, at: now) { return .some(error) }
            if state.waiters.isEmpty { state.lastProgress = now }
            state.waiters[id] = RangeWaiter(chunks: wanted, front: range.end, call: waiter)
            if let demanded { state.demands.append(demanded) } else { state.frontGoal = max(state.frontGoal, end) }
            return nil
        }
        if let refusal {
            waiter(refusal)
            return false
        }
        // It may have come between the look and the wait.
        wakeWaiters()
        verifyIfDue()
        schedule()
        return true
    }

    func cancel(_ id: Layer.WaiterID) {
        let wasThere = state.withLock { $0.waiters.removeValue(forKey: id) != nil }
        if wasThere { cancelWhatNobodyWants() }
    }

    /// What readers will want next, while nobody waits for it yet.
    func readAhead(_ range: ByteRange) {
        let wanted = layout == nil ? nil : chunks.chunks(of: range)
        state.withLock { state in
            guard !state.isEnded, state.recentFailures.error(of: wanted, at: .now) == nil else { return }
            if let wanted { state.demands.append(wanted) } else { state.frontGoal = max(state.frontGoal, range.end) }
        }
        schedule()
    }

    private func cancelWhatNobodyWants() {
        let flights = state.withLock { state -> [Flight] in
            guard !state.isWholeWanted, state.waiters.isEmpty else { return [] }
            state.demands = []
            state.frontGoal = 0
            return state.flights
        }
        for flight in flights { flight.cancellation.cancel() }
    }

    var isWanted: Bool { state.withLock { $0.isWholeWanted || !$0.waiters.isEmpty } }
    var waiterCount: Int { state.withLock { $0.waiters.count } }
}
