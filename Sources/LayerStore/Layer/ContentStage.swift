// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI
private import Synchronization

/// The content of a layer in this process: whether it is here, who waits for all of it, and the transfer that fetches
/// it.
///
/// The stage owns its waiters, the transfer and the layer's verdict. Each method is one decision under one lock.
/// `Layer+Content` acts on the decision, without the lock.
final class ContentStage: Sendable {
    /// The state of the request for the whole layer.
    private enum Whole: Sendable {
        case unwanted
        /// A job looks in the caches and reserves space.
        case preparing
        /// Space is reserved. The current transfer, or the next one, fetches the whole layer.
        case wanted
    }

    private enum Slot: Sendable {
        case empty
        /// A job opens the directory and lists the entries if it must.
        case settingUp(Cancellation)
        case running(LayerTransfer)
    }

    private struct State: Sendable {
        /// The whole and verified layer.
        var open: OpenLayer?
        var whole = Whole.unwanted
        var waiters = Waiters()
        var slot = Slot.empty
        /// Waiters for the set-up of a transfer.
        var setupWaiters = Waiters()
        var verdict = LayerVerdict.none
        /// The kernel retries at once when the disk is full. Until `until`, the answer is the same.
        var fullDisk: (error: StoreError, until: ContinuousClock.Instant)?
        var wrongGeneration: UInt64 = 0
        var openStreams = 0

        var transfer: LayerTransfer? { if case .running(let transfer) = slot { transfer } else { nil } }

        /// The set-up in progress, if nobody wants it any more; else nil.
        var unwantedSetup: Cancellation? {
            guard case .settingUp(let setup) = slot, setupWaiters.isEmpty, whole != .wanted else { return nil }
            return setup
        }
    }

    private let state = Mutex(State())

    // MARK: What is here

    var open: OpenLayer? { state.withLock { $0.open } }
    var transfer: LayerTransfer? { state.withLock { $0.transfer } }
    var verdict: LayerVerdict { state.withLock { $0.verdict } }
    var wrongGeneration: UInt64 { state.withLock { $0.wrongGeneration } }

    /// The number of waiters for the whole layer, and for the set-up of a transfer.
    var waiterCounts: (whole: Int, setup: Int) { state.withLock { ($0.waiters.count, $0.setupWaiters.count) } }

    /// Forgets a layer that was evicted, or deleted by hand.
    func forget(_ open: OpenLayer) {
        state.withLock { if let current = $0.open, current === open { $0.open = nil } }
    }

    /// Counts wrong bytes that may have been read. Streams that are open now fail from then on.
    func countWrongBytes() { state.withLock { $0.wrongGeneration += 1 } }

    func countStream(_ change: Int) { state.withLock { $0.openStreams += change } }

    // MARK: Verdicts

    func note(_ error: StoreError) { state.withLock { $0.verdict.note(error) } }

    /// Why no part of the layer can be requested now; nil if it can.
    func refusal(at now: ContinuousClock.Instant) -> StoreError? {
        state.withLock { state in
            if let error = state.verdict.finalError { return error }
            return state.fullDisk.flatMap { $0.until > now ? $0.error : nil }
        }
    }

    func noteFullDisk(_ error: StoreError, until end: ContinuousClock.Instant) {
        state.withLock { $0.fullDisk = (error, end) }
    }

    /// Notes that the bytes were wrong. Returns true if the layer should be fetched again without another request.
    func noteWrong(_ error: StoreError) -> Bool {
        state.withLock { state in
            state.wrongGeneration += 1
            return state.verdict.noteWrong(error)
        }
    }

    // MARK: Wanting the whole layer

    enum WholeAdmission { case here, refused(StoreError), waiting, first }

    /// Adds a waiter for the whole layer. The first one must start the preparation.
    func addWhole(_ id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) -> WholeAdmission {
        state.withLock { state in
            if state.open != nil { return .here }
            if let error = state.verdict.finalError { return .refused(error) }
            state.waiters.add(id, waiter)
            guard state.whole == .unwanted else { return .waiting }
            state.whole = .preparing
            return .first
        }
    }

    enum Next {
        /// Nobody wants the layer any more, or it has arrived.
        case nothing
        /// This transfer fetches the whole layer from now on.
        case bring(LayerTransfer)
        /// A transfer is being set up, and will fetch the whole layer.
        case wait
        case setUp(Cancellation)
    }

    /// Called when space is reserved. The waiters may have left meanwhile.
    func prepared() -> Next {
        state.withLock { state in
            guard state.whole == .preparing else { return .nothing }
            guard !state.waiters.isEmpty else {
                state.whole = .unwanted
                return .nothing
            }
            state.whole = .wanted
            switch state.slot {
            case .running(let transfer):
                transfer.setWholeWanted(true)
                return .bring(transfer)
            case .settingUp: return .wait
            case .empty:
                let setup = Cancellation()
                state.slot = .settingUp(setup)
                return .setUp(setup)
            }
        }
    }

    /// Adopts the whole and verified layer. Returns the waiters to be told.
    func arrived(_ open: OpenLayer) -> [Layer.Waiter] {
        state.withLock { state in
            state.open = open
            state.whole = .unwanted
            state.verdict.clear()
            return state.waiters.takeAll()
        }
    }

    /// Notes that the whole layer cannot be had now. Returns the waiters to be told.
    func fail(_ error: StoreError) -> [Layer.Waiter] {
        state.withLock { state in
            state.verdict.note(error)
            state.whole = .unwanted
            return state.waiters.takeAll()
        }
    }

    enum Retry { case prepare, unwanted, isPrepared }

    /// Called when the transfer is gone. Says how to go on for the waiters for the whole layer.
    func retry() -> Retry {
        state.withLock { state in
            switch state.whole {
            case .unwanted: return .unwanted
            case .preparing: return .isPrepared
            case .wanted:
                state.whole = state.waiters.isEmpty ? .unwanted : .preparing
                return state.waiters.isEmpty ? .unwanted : .prepare
            }
        }
    }

    // MARK: Transfers

    enum SetupAdmission { case look, waiting, setUp(Cancellation) }

    /// Adds a waiter for the set-up of a transfer. The first one must start the set-up.
    func addSetupWaiter(_ id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) -> SetupAdmission {
        state.withLock { state in
            switch state.slot {
            case .running: return .look
            case .settingUp:
                state.setupWaiters.add(id, waiter)
                return .waiting
            case .empty:
                let setup = Cancellation()
                state.slot = .settingUp(setup)
                state.setupWaiters.add(id, waiter)
                return .setUp(setup)
            }
        }
    }

    /// Adopts a transfer that is set up. Returns its waiters, and whether it must fetch the whole layer.
    func run(_ transfer: LayerTransfer) -> (waiters: [Layer.Waiter], isWholeWanted: Bool) {
        state.withLock { state in
            state.slot = .running(transfer)
            let isWholeWanted = state.whole == .wanted
            if isWholeWanted { transfer.setWholeWanted(true) }
            return (state.setupWaiters.takeAll(), isWholeWanted)
        }
    }

    enum SetupEnd { case over([Layer.Waiter], wasWhole: Bool), again(Cancellation) }

    /// Called when a set-up ended without a transfer. A set-up that was cancelled because everybody had left starts
    /// again if a waiter has come since.
    func setupEnded(wasCancelled: Bool) -> SetupEnd {
        state.withLock { state in
            if wasCancelled, !state.setupWaiters.isEmpty || state.whole == .wanted {
                let setup = Cancellation()
                state.slot = .settingUp(setup)
                return .again(setup)
            }
            state.slot = .empty
            return .over(state.setupWaiters.takeAll(), wasWhole: state.whole == .wanted)
        }
    }

    /// Drops a transfer that has ended. The slot may hold another one already.
    func drop(_ transfer: LayerTransfer) {
        state.withLock { state in if state.transfer === transfer { state.slot = .empty } }
    }

    /// Takes out a transfer that nobody waits for or reads from.
    func takeIdle() -> LayerTransfer? {
        state.withLock { state in
            guard let transfer = state.transfer, state.openStreams == 0, state.whole == .unwanted,
                !transfer.isWanted, !transfer.chunks.isWhole  // whole, it is verified, and ends by that
            else { return nil }
            state.slot = .empty
            return transfer
        }
    }

    /// Called when the mount ends: cancels a set-up. Returns the transfer that was running.
    func stop() -> LayerTransfer? {
        state.withLock { state in
            switch state.slot {
            case .empty: return nil
            case .settingUp(let setup):
                setup.cancel()
                return nil
            case .running(let transfer):
                state.slot = .empty
                return transfer
            }
        }
    }

    // MARK: Leaving

    private enum Left { case whole(LayerTransfer?), setup, part(LayerTransfer?), none }

    /// Removes a waiter of any kind, and ends work that nobody waits for any more.
    func cancel(_ id: Layer.WaiterID, _ layer: Layer) {
        let (left, setup) = state.withLock { state -> (Left, Cancellation?) in
            if state.waiters.remove(id) {
                // A preparation in progress checks for waiters when it is done.
                guard state.waiters.isEmpty, state.whole == .wanted else { return (.none, nil) }
                state.whole = .unwanted
                state.transfer?.setWholeWanted(false)
                return (.whole(state.transfer), state.unwantedSetup)
            }
            if state.setupWaiters.remove(id) { return (.setup, state.unwantedSetup) }
            return (.part(state.transfer), nil)
        }
        setup?.cancel()
        switch left {
        case .none: return
        case .whole(let transfer):
            layer.services.space.release(layer.key)
            transfer?.wholeWantChanged()
        case .setup: break
        case .part(let transfer): transfer?.cancel(id)
        }
        layer.releaseTransferIfIdle()
    }
}
