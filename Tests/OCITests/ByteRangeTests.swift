// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct ByteRangeTests {
    private let largest = UInt64(Int64.max)

    @Test func limits() {
        #expect(ByteRange(start: 0, count: largest)?.end == largest)
        #expect(ByteRange(start: largest, count: 0)?.isEmpty == true)
        #expect(ByteRange(start: largest - 1, count: 1)?.end == largest)
        #expect(ByteRange(upTo: largest).count == largest)
    }

    @Test func overflow() {
        #expect(ByteRange(start: largest, count: 1) == nil)
        #expect(ByteRange(start: 1, count: largest) == nil)
        #expect(ByteRange(start: .max, count: 1) == nil)
        #expect(ByteRange(start: 1, count: .max) == nil)
        #expect(ByteRange(start: .max, count: .max) == nil)
        #expect(ByteRange(start: largest + 1, count: 0) == nil)
    }

    @Test func suffix() throws {
        let range = try #require(ByteRange(start: 10, count: 5))
        for (offset, start, count) in [(0, 10, 5), (10, 10, 5), (12, 12, 3), (15, 15, 0), (99, 15, 0)] {
            let rest = range.suffix(from: UInt64(offset))
            #expect(rest.start == UInt64(start) && rest.count == UInt64(count), "from \(offset)")
            #expect(rest.isEmpty == (count == 0))
        }
        #expect(range.suffix(from: .max).isEmpty)
    }
}
