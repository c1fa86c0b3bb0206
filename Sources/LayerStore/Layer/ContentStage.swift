// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import OCI
private import Synchronization

/// The content of a layer in this process: here or not, who waits for all of it, and the transfer that brings it.
///
/// It owns its waiters, the transfer and what is held against the layer. Each method is one decision, taken under one lock;
/// what follows from it is done by `Layer+Content`, without the lock.
final class ContentStage: Sendable {
    /// How far those who want all of it have come.
    private enum Whole: Sendable {
        case unwanted
        /// A job looks in the caches and reserves space.
        case preparing
        /// Space is reserved: whichever transfer there is, or will be, is to bring all of it.
        case wanted
    }

    private enum Slot: Sendable {
        case empty
        /// A job opens the directory and lists what has to be listed.
        case settingUp(Cancellation)
        case running(LayerTransfer)
    }

    private struct State: Sendable {
        /// Whole and verified.
        var open: OpenLayer?
        var whole = Whole.unwanted
        var waiters = Waiters()
        var slot = Slot.empty
        /// Those who wait until there is a transfer to ask.
        var setupWaiters = Waiters()
        var verdict = LayerVerdict.none
        /// The kernel asks again at once for what did not fit: for a moment the answer is the same.
        var fullDisk: (error: StoreError, until: ContinuousClock.Instant)?
        var wrongGeneration: UInt64 = 0
        var openStreams = 0

        var transfer: LayerTransfer? { if case .running(let transfer) = slot { transfer } else { nil } }

        /// A set-up that nobody wants any more; nil if somebody does, or there is none.
        var unwantedSetup: Cancellation? {
            guard case .settingUp(let setup) = slot, setupWaiters.isEmpty, whole != .wanted else { return nil }
            return setup
        }
    }

    private let state = Mutex(State())

    // MARK: What is there

    var open: OpenLayer? { state.withLock { $0.open } }
    var transfer: LayerTransfer? { state.withLock { $0.transfer } }
    var verdict: LayerVerdict { state.withLock { $0.verdict } }
    var wrongGeneration: UInt64 { state.withLock { $0.wrongGeneration } }

    /// Who waits for all of it, and for a transfer to ask.
    var waiterCounts: (whole: Int, setup: Int) { state.withLock { ($0.waiters.count, $0.setupWaiters.count) } }

    /// It was evicted, or taken away by hand.
    func forget(_ open: OpenLayer) {
        state.withLock { if let current = $0.open, current === open { $0.open = nil } }
    }

    /// Bytes that may have been read are wrong: streams that were opened before are of no use any more.
    func countWrongBytes() { state.withLock { $0.wrongGeneration += 1 } }

    func countStream(_ change: Int) { state.withLock { $0.openStreams += change } }

    // MARK: Verdicts

    func note(_ error: StoreError) { state.withLock { $0.verdict.note(error) } }

    /// Why no part of it can be asked for at this moment.
    func refusal(at now: ContinuousClock.Instant) -> StoreError? {
        state.withLock { state in
            if let error = state.verdict.finalError { return error }
            return state.fullDisk.flatMap { $0.until > now ? $0.error : nil }
        }
    }

    func noteFullDisk(_ error: StoreError, until end: ContinuousClock.Instant) {
        state.withLock { $0.fullDisk = (error, end) }
    }

    /// True if it is worth another try by itself.
    func noteWrong(_ error: StoreError) -> Bool {
        state.withLock { state in
            state.wrongGeneration += 1
            return state.verdict.noteWrong(error)
        }
    }

    // MARK: Wanting all of it

    enum WholeAdmission { case here, refused(StoreError), waiting, first }

    /// Notes one who waits for all of it; the first is to prepare for that.
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
        /// Nobody wants it any more, or it has come.
        case nothing
        /// This transfer brings all of it from now on.
        case bring(LayerTransfer)
        /// A transfer is being set up, and will.
        case wait
        case setUp(Cancellation)
    }

    /// Space is reserved. Those who waited may have left meanwhile.
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

    /// It is here.
    func arrived(_ open: OpenLayer) -> [Layer.Waiter] {
        state.withLock { state in
            state.open = open
            state.whole = .unwanted
            state.verdict.clear()
            return state.waiters.takeAll()
        }
    }

    /// All of it cannot be had now.
    func fail(_ error: StoreError) -> [Layer.Waiter] {
        state.withLock { state in
            state.verdict.note(error)
            state.whole = .unwanted
            return state.waiters.takeAll()
        }
    }

    enum Retry { case prepare, unwanted, isPrepared }

    /// The transfer is gone, and whoever waits for all of it is to have another.
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

    /// Notes one who waits until there is a transfer to ask; the first is to set it up.
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

    /// It is set up. Returns who waits to ask it, and whether it is to bring all of the layer.
    func run(_ transfer: LayerTransfer) -> (waiters: [Layer.Waiter], isWholeWanted: Bool) {
        state.withLock { state in
            state.slot = .running(transfer)
            let isWholeWanted = state.whole == .wanted
            if isWholeWanted { transfer.setWholeWanted(true) }
            return (state.setupWaiters.takeAll(), isWholeWanted)
        }
    }

    enum SetupEnd { case over([Layer.Waiter], wasWhole: Bool), again(Cancellation) }

    /// No transfer came of it. One that was cancelled, since everybody had left, begins anew if somebody has come since.
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

    /// It has ended; another may be on its way already.
    func drop(_ transfer: LayerTransfer) {
        state.withLock { state in if state.transfer === transfer { state.slot = .empty } }
    }

    /// Takes a transfer that nobody waits for or reads from.
    func takeIdle() -> LayerTransfer? {
        state.withLock { state in
            guard let transfer = state.transfer, state.openStreams == 0, state.whole == .unwanted,
                !transfer.isWanted, !transfer.chunks.isWhole  // whole, it is verified, and ends by that
            else { return nil }
            state.slot = .empty
            return transfer
        }
    }

    /// The mount ends: no set-up goes on. Returns the transfer that was running.
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

    /// Takes back a waiter of any kind, and ends what nobody waits for any more.
    func cancel(_ id: Layer.WaiterID, _ layer: Layer) {
        let (left, setup) = state.withLock { state -> (Left, Cancellation?) in
            if state.waiters.remove(id) {
                // One that prepares sees it when it is done.
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
