// SPDX-License-Identifier: Apache-2.0
import LayerCache
import LayerStore
import OCI
import TestSupport
import Threading

@testable import KitFileSystem
@testable import KitMount

/// A wait and events in an order that a seed gives, on one thread; and a model of what must come of them.
final class WaitSchedule {
    private enum Event {
        case met(Int, StoreError?)
        case interrupted
        case givenUp
    }

    private var random: SplitMix64
    private let wait = Wait()
    private let needs: [Need]
    private var waiters: [Int: Layer.Waiter] = [:]
    private let told = Monitor<(ends: [Wait.End], withdrawn: [Int])>(([], []))
    private let earlier: Failures

    // The model.
    private var met: Set<Int> = []
    private var failures: Failures
    private(set) var expected: Wait.End?
    /// Needs whose withdrawal the wait was given; of these, those that it was given after its end.
    private var given: [Int] = []
    private var givenLate: [Int] = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        needs = (0..<Int.random(in: 0...3, using: &random)).map(Self.need)
        earlier = Bool.random(using: &random) ? [9: .noSpace("earlier")] : [:]
        failures = earlier
    }

    static func need(_ layer: Int) -> Need { Need(what: layer.isMultiple(of: 2) ? .index : .content, layer: layer) }

    var ends: [Wait.End] { told.update { $0.ends } }
    var withdrawals: [Int] { told.update { $0.withdrawn.sorted() } }

    /// A wait that was met takes nothing back but what it is given too late; one that ended otherwise, all.
    var expectedWithdrawals: [Int] {
        switch expected {
        case .interrupted, .givenUp: given.sorted()
        case .met: givenLate
        case nil: []
        }
    }

    func run() {
        happen(upTo: 2)
        begin()
        happen(upTo: 6)
        // Then all that were asked come, in some order.
        for number in waiters.keys.sorted().shuffled(using: &random) where Bool.random(using: &random) {
            apply(.met(number, nil))
        }
        happen(upTo: 2)
    }

    private func begin() {
        // An end that came before counts; else a wait for nothing is met.
        let endsAtOnce = expected != nil
        if !endsAtOnce, needs.isEmpty { expected = .met(failures) }
        wait.begin(needs, after: earlier) { need, met in
            require(need.layer, met)
        } onEnd: { [told] end in
            told.update { $0.ends.append(end) }
        }
    }

    private func require(_ number: Int, _ met: @escaping Layer.Waiter) -> KitFileSystem.Withdrawal? {
        waiters[number] = met
        happen(upTo: 2)
        if Bool.random(using: &random) { apply(.met(number, nil)) }
        guard self.met.contains(number), Bool.random(using: &random) else {
            given.append(number)
            if expected != nil { givenLate.append(number) }
            return { [told] in told.update { $0.withdrawn.append(number) } }
        }
        return nil
    }

    private func happen(upTo count: Int) {
        for _ in 0..<Int.random(in: 0...count, using: &random) {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: apply(.interrupted)
            case 1: apply(.givenUp)
            default:
                guard let number = waiters.keys.sorted().randomElement(using: &random) else { continue }
                apply(.met(number, Bool.random(using: &random) ? .cache("disk \(number)") : nil))
            }
        }
    }

    /// To the model first: the wait may call back at once.
    private func apply(_ event: Event) {
        switch event {
        case .met(let number, let error):
            if expected == nil, met.insert(number).inserted {
                if let error { failures[number] = error }
                if met.count == needs.count { expected = .met(failures) }
            }
            waiters[number]?(error)
        case .interrupted:
            expected = expected ?? .interrupted
            wait.interrupt()
        case .givenUp:
            expected = expected ?? .givenUp
            wait.giveUp()
        }
    }
}
