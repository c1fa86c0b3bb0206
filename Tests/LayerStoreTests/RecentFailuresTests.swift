// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import LayerCache
@testable import LayerStore

@Suite struct RecentFailuresTests {
    private let now = ContinuousClock.now

    @Test func onlyWhatFailedIsRefused() {
        var failures = RecentFailures()
        failures.note(.cache("a"), of: 4..<8, until: now + .seconds(5))
        failures.note(.cache("b"), of: 20..<21, until: now + .seconds(9))
        #expect(failures.error(of: 0..<4, at: now) == nil)
        #expect(failures.error(of: 7..<9, at: now) == .cache("a"))
        #expect(failures.error(of: 8..<20, at: now) == nil)
        #expect(failures.error(of: nil, at: now) == .cache("a"))
        #expect(failures.error(of: 7..<9, at: now + .seconds(6)) == nil)
        #expect(failures.error(of: 20..<30, at: now + .seconds(6)) == .cache("b"))
        #expect(failures.error(of: nil, at: now + .seconds(10)) == nil)
    }

    /// However many ranges fail, only the last few are remembered.
    @Test func theLastOnesAreRemembered() {
        var failures = RecentFailures()
        for chunk in 0..<10_000 { failures.note(.cache("\(chunk)"), of: chunk..<chunk + 1, until: now + .seconds(5)) }
        #expect(failures.error(of: 9999..<10_000, at: now) == .cache("9999"))
        #expect(failures.error(of: 0..<1, at: now) == nil)
    }

    @Test func aRangeWithoutAnother() {
        #expect((3..<9).without(0..<3) == [3..<9])
        #expect((3..<9).without(0..<5) == [5..<9])
        #expect((3..<9).without(5..<6) == [3..<5, 6..<9])
        #expect((3..<9).without(7..<12) == [3..<7])
        #expect((3..<9).without(0..<12) == [])
    }
}
