// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import KitMount

/// Never more reads than the kernel needs to go on.
@Suite struct HeldReadsTests {
    private let given = Given()

    @Test func theOldestGivesUpFirst() {
        let reads = HeldReads(limit: 3)
        let ids = (0..<6).map { number -> HeldReads.ID in
            let id = reads.number()
            reads.add(id) { given.add(number) }
            return id
        }
        #expect(given.all == [0, 1, 2])
        reads.remove(ids[3])
        for number in 6..<8 { reads.add(reads.number()) { given.add(number) } }
        #expect(given.all == [0, 1, 2, 4])
    }

    @Test func whatIsAnsweredIsNotCounted() {
        let reads = HeldReads(limit: 2)
        for number in 0..<100 {
            let id = reads.number()
            reads.add(id) { given.add(number) }
            reads.remove(id)
        }
        #expect(given.all.isEmpty)
    }

    /// Two threads may take their numbers in one order, and come in the other.
    @Test func numbersThatComeLate() {
        let reads = HeldReads(limit: 2)
        let (first, second, third) = (reads.number(), reads.number(), reads.number())
        reads.add(second) { given.add(1) }
        reads.add(third) { given.add(2) }
        reads.add(reads.number()) { given.add(3) }
        #expect(given.all == [1])
        reads.add(first) { given.add(0) }
        #expect(given.all == [1, 0])
        reads.add(reads.number()) { given.add(4) }
        #expect(given.all == [1, 0, 2])
    }

    /// Giving up may take more back.
    @Test func givingUpMayRemove() {
        let reads = HeldReads(limit: 1)
        let id = reads.number()
        reads.add(id) {
            given.add(0)
            reads.remove(id)
        }
        reads.add(reads.number()) { given.add(1) }
        #expect(given.all == [0])
    }
}

/// Which reads gave up, in order.
private final class Given: Sendable {
    private let numbers = Mutex<[Int]>([])
    var all: [Int] { numbers.withLock { $0 } }
    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
}
