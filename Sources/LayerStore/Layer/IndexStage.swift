// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
private import Synchronization

/// The entries of a layer in this process: known or not, and who waits for them.
///
/// It owns its waiters and what they wait for. How entries are found is told in `Layer+Index`.
final class IndexStage: Sendable {
    private struct State: Sendable {
        var index: LayerIndex?
        /// Whether somebody is finding them.
        var isPending = false
        var waiters = Waiters()
        /// The stage's own places among those who wait for content, where only content tells the entries.
        var contentWaiters: [Layer.WaiterID] = []
        /// The entries were made from bytes that are wrong: they are listed anew before anything is fetched by them.
        var isDoubtful = false
        /// What speaks against the entries, in the eyes of those who show them.
        var objection: StoreError?
    }

    private let state = Mutex(State())

    var index: LayerIndex? { state.withLock { $0.index } }
    var waiterCount: Int { state.withLock { $0.waiters.count } }
    var isPending: Bool { state.withLock { $0.isPending } }
    var objection: StoreError? { state.withLock { $0.objection } }
    var isDoubtful: Bool { state.withLock { $0.isDoubtful } }

    func setObjection(_ error: StoreError) { state.withLock { $0.objection = error } }

    // MARK: Waiting

    enum Admission { case known, waiting, first }

    /// Notes a waiter; the first is to find the entries.
    func add(_ id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) -> Admission {
        state.withLock { state in
            if state.index != nil { return .known }
            state.waiters.add(id, waiter)
            defer { state.isPending = true }
            return state.isPending ? .waiting : .first
        }
    }

    /// Takes a waiter back. Returns the stage's places among those who wait for content, if nobody is left: to be given up.
    func cancel(_ id: Layer.WaiterID) -> [Layer.WaiterID] {
        state.withLock { state in
            guard state.waiters.remove(id), state.waiters.isEmpty else { return [] }
            state.isPending = false
            defer { state.contentWaiters = [] }
            return state.contentWaiters
        }
    }

    /// Notes a place among those who wait for content; false if nobody waits for the entries any more.
    func noteContentWaiter(_ id: Layer.WaiterID) -> Bool {
        state.withLock { state in
            guard state.isPending else { return false }
            state.contentWaiters.append(id)
            return true
        }
    }

    /// They cannot be found now. Returns who is to be told.
    func fail() -> [Layer.Waiter] {
        state.withLock { state in
            state.isPending = false
            state.contentWaiters = []
            return state.waiters.takeAll()
        }
    }

    // MARK: Entries

    /// What a new index means to those who have shown the old one.
    enum Outcome {
        /// It is the first. These wait for it.
        case first([Layer.Waiter])
        /// It says the same, or is worth less.
        case same
        case replaced
    }

    /// Takes entries for the layer's. A verified index is not replaced by one that is not.
    func set(_ index: LayerIndex) -> Outcome {
        state.withLock { state in
            guard let known = state.index else {
                state.index = index
                state.isPending = false
                state.contentWaiters = []
                return .first(state.waiters.takeAll())
            }
            guard index.isVerified, !known.isVerified else { return .same }
            let isOther = !known.hasSameEntries(as: index)
            state.index = isOther ? index.replacing(known) : index.numbered(as: known)
            state.isDoubtful = false
            if isOther { state.objection = nil }
            return isOther ? .replaced : .same
        }
    }

    /// The bytes of which unverified entries were made are wrong.
    func doubt() {
        state.withLock { $0.isDoubtful = $0.index.map { !$0.isVerified } ?? false }
    }

    /// Takes entries that were listed anew in the place of doubtful ones; true if they are others.
    func setListedAnew(_ index: LayerIndex?) -> Bool {
        state.withLock { state in
            state.isDoubtful = false
            guard let index, let known = state.index, !known.isVerified, !known.hasSameEntries(as: index) else {
                return false
            }
            state.index = index.replacing(known)
            state.objection = nil
            return true
        }
    }
}
