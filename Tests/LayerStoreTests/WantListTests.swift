// SPDX-License-Identifier: Apache-2.0
import Glibc
import LayerCache
import OCI
import Synchronization
import TestSupport
import Testing

@testable import LayerStore

/// Compares the list of wants with a simple model, under random operations. `KITFS_SEED` is the first seed. With
/// `KITFS_SOAK` the test takes long.
@Suite struct WantListTests {
    private static let firstSeed = seedFromEnvironment() ?? 1
    private static let rounds: UInt64 = getenv("KITFS_SOAK") == nil ? 1000 : 500_000
    private static let start = ContinuousClock.now
    private static let chunkCount = 24

    /// The chunks of an imaginary layer that are present.
    private struct Present: WantList.Presence {
        var chunks: Set<Int> = []
        var placed: UInt64 = 0
        func hasAll(_ chunks: Range<Int>) -> Bool { chunks.allSatisfy(self.chunks.contains) }
    }

    private struct ModelWaiter {
        let need: WantList.Need
        let log: Calls
    }

    /// The answers that a waiter got.
    private final class Calls: Sendable {
        private let all = Mutex<[StoreError?]>([])
        var count: Int { all.withLock { $0.count } }
        var last: StoreError? { all.withLock { $0.last ?? nil } }
        func add(_ error: StoreError?) { all.withLock { $0.append(error) } }
    }

    @Test(arguments: [false, true]) func againstAModel(_ isCompressed: Bool) {
        for seed in Self.firstSeed..<Self.firstSeed + Self.rounds {
            round(seed, isCompressed, "again: KITFS_SEED=\(seed)")
        }
    }

    private func round(_ seed: UInt64, _ isCompressed: Bool, _ comment: Comment) {
        var random = SplitMix64(seed: seed)
        var list = WantList(at: Self.start)
        var model: [Layer.WaiterID: ModelWaiter] = [:]
        var present = Present()
        var isWhole = false
        var next: Layer.WaiterID = 1
        var now = Self.start
        func range() -> Range<Int> {
            let first = Int.random(in: 0..<Self.chunkCount, using: &random)
            return first..<Int.random(in: first...min(Self.chunkCount, first + 5), using: &random)
        }
        func need() -> WantList.Need {
            isCompressed ? .front(UInt64.random(in: 0...50, using: &random)) : .chunks(range())
        }
        /// Calls the waiters, and expects them to be those that the model has for `isDue`.
        func check(_ called: [Layer.Waiter], _ error: StoreError?, _ isDue: (WantList.Need) -> Bool) {
            let due = model.filter { isDue($0.value.need) }
            #expect(called.count == due.count, comment)
            for waiter in called { waiter(error) }
            for (id, waiter) in due {
                #expect(waiter.log.count == 1 && waiter.log.last == error, comment)
                model[id] = nil
            }
        }
        for _ in 0..<40 {
            now += .milliseconds(Int.random(in: 0...300, using: &random))
            switch Int.random(in: 0..<9, using: &random) {
            case 0...2:
                let wanted = need()
                let calls = Calls()
                let admission = list.add(next, wanted, reach: wanted, at: now) { calls.add($0) }
                if case .waiting = admission { model[next] = ModelWaiter(need: wanted, log: calls) }
                if case .closed = admission { Issue.record("closed before its end; \(comment)") }
                next += 1
            case 3:
                let id = Layer.WaiterID.random(in: 0...next, using: &random)
                let result1 = list.cancel(id)
                #expect(result1 == (model.removeValue(forKey: id) != nil), comment)
            case 4:
                if isCompressed { present.placed += UInt64.random(in: 0...10, using: &random) }
                present.chunks.formUnion(range())
                check(list.takeReady(present), nil) { $0.isMet(present) }
            case 5:
                isWhole = random.next() % 2 == 0
                list.setWholeWanted(isWhole, at: now)
            case 6:
                let failed: Range<Int>? = isCompressed || random.next() % 4 == 0 ? nil : range()
                let result = list.fail(.noSpace("no"), of: failed, at: now, memory: .milliseconds(500))
                #expect(result.wasWhole == isWhole, comment)
                check(result.waiters, .noSpace("no")) { need in
                    guard let failed, let chunks = need.chunks else { return true }
                    return chunks.overlaps(failed)
                }
                isWhole = false
                // A new want of the failed range is answered at once, for as long as the list remembers the failure.
                if let failed, !failed.isEmpty,
                    case .waiting = list.add(0, .chunks(failed), reach: .chunks(failed), at: now, { _ in })
                {
                    // The failure was not told to any waiter.
                    #expect(result.waiters.isEmpty && !result.wasWhole, comment)
                    _ = list.cancel(0)
                }
            case 7:
                _ = list.addAhead(need(), at: now)
            default:
                let result2 = list.dropIfUnwanted()
                #expect(result2 == (model.isEmpty && !isWhole), comment)
                if model.isEmpty, !isWhole { #expect(list.ahead.isEmpty && list.frontGoal == 0, comment) }
            }
            #expect(list.isWanted == (isWhole || !model.isEmpty) && list.waiterCount == model.count, comment)
            #expect(list.lastProgress <= now, comment)
            // Only what waiters need is demanded, in the waiters' order.
            let needs = model.sorted { $0.key < $1.key }.compactMap(\.value.need.chunks).filter { !$0.isEmpty }
            #expect(list.demanded(extension: 0) == needs, comment)
        }
        check(list.close(), nil) { _ in true }
        if case .closed = list.add(next, need(), reach: need(), at: now, { _ in }) {
        } else {
            Issue.record("open after its end; \(comment)")
        }
    }

    /// A single want is fetched with what follows it. With many wants, each gets only what its waiter needs.
    @Test func demandsReachFurtherWhereFewWait() {
        var list = WantList(at: Self.start)
        for id in 0..<4 as Range<Int> {
            let first = id * 100
            _ = list.add(UInt64(id), .chunks(first..<first + 1), reach: .chunks(first..<first + 50), at: Self.start) {
                _ in
            }
        }
        #expect(list.demanded(extension: 3) == [0..<4, 100..<104, 200..<204, 300..<304])
        #expect(list.ahead == [0..<50, 100..<150, 200..<250, 300..<350])
        _ = list.add(9, .chunks(900..<901), reach: .chunks(900..<950), at: Self.start) { _ in }
        #expect(list.demanded(extension: 3) == [0..<1, 100..<101, 200..<201, 300..<301, 900..<901])
    }

    @Test func readingOnIsOneRunAhead() {
        var list = WantList(at: Self.start)
        let result3 = list.addAhead(.chunks(4..<8), at: Self.start)
        #expect(result3)
        let result4 = list.addAhead(.chunks(8..<12), at: Self.start)
        #expect(result4)
        let result5 = list.addAhead(.chunks(20..<21), at: Self.start)
        #expect(result5)
        #expect(list.ahead == [4..<12, 20..<21])
        list.dropPresent(Present(chunks: Set(4..<12)))
        #expect(list.ahead == [20..<21])
    }
}

/// The first seed of a random test, to repeat a failed run.
func seedFromEnvironment() -> UInt64? { getenv("KITFS_SEED").flatMap { UInt64(String(cString: $0)) } }
