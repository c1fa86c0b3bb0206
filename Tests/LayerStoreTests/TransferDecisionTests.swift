// SPDX-License-Identifier: Apache-2.0
import LayerCache
import LayerIndex
import OCI
import TestSupport
import Testing

@testable import LayerStore

/// The decisions of a transfer, each tested by itself.
@Suite struct TransferDecisionTests {
    private static let start = ContinuousClock.now
    private static let calm = PeerWatch.Interest(isWanted: true, isBlocked: false, isVerifier: false)

    // MARK: PeerWatch

    @Test func looksTwiceASecondUnlessBlocked() {
        var watch = PeerWatch(at: Self.start)
        var looks = 0
        for tick in 0..<100 {
            let look = watch.tick(Self.start + .milliseconds(20 * tick), Self.calm)
            #expect(look.pause == nil)
            if look.looksAtPeers { looks += 1 }
        }
        #expect(looks == 4)
        let blocked = PeerWatch.Interest(isWanted: true, isBlocked: true, isVerifier: false)
        let isEach = (0..<50).allSatisfy {
            watch.tick(Self.start + .milliseconds(2000 + 20 * $0), blocked).looksAtPeers
        }
        #expect(isEach)
    }

    @Test func nobodyIsLookedAtForNothing() {
        var watch = PeerWatch(at: Self.start)
        let idle = PeerWatch.Interest(isWanted: false, isBlocked: true, isVerifier: false)
        let isNone = (0..<100).allSatisfy { !watch.tick(Self.start + .milliseconds(20 * $0), idle).looksAtPeers }
        #expect(isNone)
    }

    /// A peer is not called frozen for time in which this process itself stood still.
    @Test func aPauseOfOurOwnIsDiscounted() {
        var watch = PeerWatch(at: Self.start)
        let patience = Duration.seconds(10)
        _ = watch.tick(Self.start, Self.calm)
        let result1 = watch.note(7, of: 3, at: Self.start, patience: patience)
        #expect(result1 == .alive)
        let later = Self.start + .seconds(60)
        let result2 = watch.tick(later, Self.calm)
        #expect(result2.pause == .seconds(60))
        let result3 = watch.note(7, of: 3, at: later, patience: patience)
        #expect(result3 == .alive)
        let result4 = watch.note(7, of: 3, at: later + .seconds(11), patience: patience)
        #expect(result4 == .frozen)
    }

    @Test func progressAndHeartbeatsAreToldApart() {
        var watch = PeerWatch(at: Self.start)
        let patience = Duration.seconds(10)
        let result5 = watch.note(1 << 32 | 1, of: 5, at: Self.start, patience: patience)
        #expect(result5 == .alive)
        let result6 = watch.note(1 << 32 | 2, of: 5, at: Self.start + .seconds(1), patience: patience)
        #expect(result6 == .alive)
        let result7 = watch.note(2 << 32 | 3, of: 5, at: Self.start + .seconds(2), patience: patience)
        #expect(result7 == .progressed)
        let result8 = watch.note(2 << 32 | 3, of: 5, at: Self.start + .seconds(13), patience: patience)
        #expect(result8 == .frozen)
        // Another process with the same values has a count of its own.
        let result9 = watch.note(2 << 32 | 3, of: 6, at: Self.start + .seconds(13), patience: patience)
        #expect(result9 == .alive)
    }

    @Test func aSnapshotIsMadeOfNewsOnly() {
        var watch = PeerWatch(at: Self.start)
        #expect(!watch.isSnapshotDue(at: Self.start + .seconds(29)))
        #expect(watch.isSnapshotDue(at: Self.start + .seconds(30)))
        let result10 = watch.beginSnapshot(at: Self.start + .seconds(30), received: 100)
        #expect(result10)
        #expect(!watch.isSnapshotDue(at: Self.start + .seconds(59)))
        let result11 = watch.beginSnapshot(at: Self.start + .seconds(60), received: 100)
        #expect(!result11)
        let result12 = watch.beginSnapshot(at: Self.start + .seconds(90), received: 101)
        #expect(result12)
    }

    // MARK: Lifecycle

    @Test func closedIsTheEnd() {
        let all: [TransferLifecycle] = [.filling, .verified, .discarding, .closed]
        for next in all { #expect(!TransferLifecycle.closed.mayBecome(next)) }
        for stage in all where stage != .closed { #expect(stage.mayBecome(.closed)) }
        // A verified transfer is never filled again.
        #expect(!TransferLifecycle.verified.mayBecome(.filling))
        var stage = TransferLifecycle.filling
        let isWay = stage.become(.discarding) && stage.become(.filling) && stage.become(.verified)
        #expect(isWay)
        let result13 = stage.become(.filling)
        #expect(!result13 && stage == .verified)
    }

    // MARK: LayerVerdict

    private static let digest = DigestHasher.digest(of: [1])
    private static let unlistable = StoreError.unlistable(layer: digest, reason: "header")
    private static let unmountable = StoreError.unmountable(layer: digest, reason: "header")
    private static let down = StoreError.source(.unreachable("down"))

    /// Only errors that verified bytes prove are final.
    @Test func whatIsFinal() {
        for error in [
            Self.unlistable, Self.down, .source(.unusable("a lie")), .noSpace("full"), .cache("EIO"),
            .digestMismatch(expected: Self.digest, found: Self.digest),
        ] {
            var verdict = LayerVerdict.none
            verdict.note(error)
            #expect(verdict.error == error && verdict.finalError == nil)
        }
        var verdict = LayerVerdict.none
        verdict.note(Self.unmountable)
        #expect(verdict.finalError == Self.unmountable)
        verdict.note(Self.down)
        #expect(verdict.finalError == Self.unmountable, "it stays")
        verdict.clear()
        #expect(verdict == .none)
        #expect(Self.unlistable.asVerified == Self.unmountable && Self.down.asVerified == Self.down)
    }

    @Test func wrongBytesAreTriedOnceMore() {
        var verdict = LayerVerdict.none
        let result14 = verdict.noteWrong(Self.down)
        #expect(result14)
        let result15 = verdict.noteWrong(Self.down)
        #expect(!result15)
        // The fetch was given up, since its waiters left. The next waiter has a retry of its own.
        verdict.note(.source(.cancelled))
        #expect(verdict.error == Self.down)
        let result16 = verdict.noteWrong(Self.down)
        #expect(result16)
        verdict.clear()
        let result17 = verdict.noteWrong(Self.down)
        #expect(result17)
    }
}
