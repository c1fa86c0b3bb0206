// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import KitFileSystem
internal import LayerStore
private import Synchronization

/// One request's wait for what it needs of one or more layers.
///
/// A wait ends once, by whoever comes first: the last need that is met or has failed, a signal, or the limit of reads
/// that wait. Its end is told to one function, on the thread that brought it, with no lock held. Layers hold the wait
/// until they call back; whoever may end it earlier should not.
final class Wait: Sendable {
    enum End: Sendable, Equatable {
        /// All needs are met or have failed, with the failures by layer.
        case met(Failures)
        /// A signal has come for the thread that asked.
        case interrupted
        /// Too many others wait.
        case givenUp
    }

    /// Asks a layer for a need. Returns what takes that back, nil if the answer has come already.
    typealias Require = (Need, @escaping Layer.Waiter) -> KitFileSystem.Withdrawal?

    private enum State: Sendable {
        /// Nobody is told of an end yet; one that came already is kept.
        case preparing(end: End?)
        case waiting(Pending)
        case over
    }

    private struct Pending: Sendable {
        /// Of each need, by position.
        var isMet: [Bool]
        var unmet: Int
        var failures: Failures
        var withdrawals: [KitFileSystem.Withdrawal] = []
        let onEnd: @Sendable (End) -> Void
    }

    private let state = Mutex(State.preparing(end: nil))

    /// Asks for all needs. To be called once; `onEnd` is called once, at once if the wait has ended already.
    /// `failures`: those of earlier waits of the same request.
    func begin(
        _ needs: [Need], after failures: Failures, require: Require, onEnd: @escaping @Sendable (End) -> Void
    ) {
        let early = state.withLock { state -> End? in
            guard case .preparing(let earlier) = state else { preconditionFailure("a wait begins once") }
            let end = earlier ?? (needs.isEmpty ? .met(failures) : nil)
            let isMet = Array(repeating: false, count: needs.count)
            let pending = Pending(isMet: isMet, unmet: needs.count, failures: failures, onEnd: onEnd)
            state = end == nil ? .waiting(pending) : .over
            return end
        }
        if let early { return onEnd(early) }
        for (position, need) in needs.enumerated() {
            guard let withdraw = require(need, { self.meet(position, of: need.layer, $0) }) else { continue }
            guard note(withdraw) else { return withdraw() }
        }
    }

    /// A signal has come for the thread that asked.
    func interrupt() { end(.interrupted) }

    /// The request must go, so that others can be answered.
    func giveUp() { end(.givenUp) }

    /// Returns false if the wait has ended meanwhile.
    private func note(_ withdraw: @escaping KitFileSystem.Withdrawal) -> Bool {
        state.withLock { state in
            guard case .waiting(var pending) = state else { return false }
            pending.withdrawals.append(withdraw)
            state = .waiting(pending)
            return true
        }
    }

    private func meet(_ position: Int, of layer: Int, _ error: StoreError?) {
        let finished = state.withLock { state -> Pending? in
            guard case .waiting(var pending) = state, !pending.isMet[position] else { return nil }
            pending.isMet[position] = true
            pending.unmet -= 1
            if let error { pending.failures[layer] = error }
            state = pending.unmet == 0 ? .over : .waiting(pending)
            return pending.unmet == 0 ? pending : nil
        }
        if let finished { finished.onEnd(.met(finished.failures)) }
    }

    private func end(_ end: End) {
        let ended = state.withLock { state -> Pending? in
            switch state {
            case .preparing(nil):
                state = .preparing(end: end)
                return nil
            case .preparing, .over:
                return nil
            case .waiting(let pending):
                state = .over
                return pending
            }
        }
        guard let ended else { return }
        ended.onEnd(end)
        // Fetches that nobody else waits for end.
        for withdraw in ended.withdrawals { withdraw() }
    }
}
