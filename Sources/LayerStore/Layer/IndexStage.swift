// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
private import Synchronization

/// The entries of a layer in this process: whether they are known, and who waits for them.
///
/// The stage owns its waiters. `Layer+Index` finds the entries.
final class IndexStage: Sendable {
    private struct State: Sendable {
        var index: LayerIndex?
        /// Whether a job is finding the entries.
        var isPending = false
        var waiters = Waiters()
        /// IDs of the stage's own waiters for content, where only the content has the entries.
        var contentWaiters: [Layer.WaiterID] = []
        /// The entries were made from wrong bytes. They are listed again before anything is fetched by them.
        var isDoubtful = false
        /// Why a mount cannot show the entries.
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

    /// Adds a waiter. The first one must start finding the entries.
    func add(_ id: Layer.WaiterID, _ waiter: @escaping Layer.Waiter) -> Admission {
        state.withLock { state in
            if state.index != nil { return .known }
            state.waiters.add(id, waiter)
            defer { state.isPending = true }
            return state.isPending ? .waiting : .first
        }
    }

    /// Removes a waiter. If it was the last one, returns the stage's waiters for content: the caller must cancel them.
    func cancel(_ id: Layer.WaiterID) -> [Layer.WaiterID] {
        state.withLock { state in
            guard state.waiters.remove(id), state.waiters.isEmpty else { return [] }
            state.isPending = false
            defer { state.contentWaiters = [] }
            return state.contentWaiters
        }
    }

    /// Adds a waiter for content. Returns false if nobody waits for the entries any more.
    func noteContentWaiter(_ id: Layer.WaiterID) -> Bool {
        state.withLock { state in
            guard state.isPending else { return false }
            state.contentWaiters.append(id)
            return true
        }
    }

    /// Notes that the entries cannot be found now. Returns the waiters to be told.
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
        /// The index is the first one. These waiters wait for it.
        case first([Layer.Waiter])
        /// The index has the same entries, or is not adopted.
        case same
        case replaced
    }

    /// Adopts the first index. A later one replaces it only if the later one is verified and the first is not.
    /// `willReplace` is called before entries are replaced by others, under the lock.
    func set(_ index: LayerIndex, willReplace: () -> Void) -> Outcome {
        state.withLock { state in
            guard let known = state.index else {
                state.index = index
                state.isPending = false
                state.contentWaiters = []
                return .first(state.waiters.takeAll())
            }
            guard index.isVerified, !known.isVerified else { return .same }
            let isOther = !known.hasSameEntries(as: index)
            if isOther { willReplace() }
            state.index = isOther ? index.replacing(known) : index.numbered(as: known)
            state.isDoubtful = false
            if isOther { state.objection = nil }
            return isOther ? .replaced : .same
        }
    }

    /// Notes that the bytes from which unverified entries were made are wrong.
    func doubt() {
        state.withLock { $0.isDoubtful = $0.index.map { !$0.isVerified } ?? false }
    }

    /// Replaces doubtful entries by an index that was listed again. Returns true if the entries are different.
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
