// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import Synchronization
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

/// Streams whose source fails or sends wrong bytes, or whose directory is deleted.
@Suite struct StreamFailureTests {
    private let bench: StoreFixture
    private static let large = StoreFixture.noise(6 << 20, seed: 21)
    private static let tar = StoreFixture.tar([("large", large), ("small", [7])])

    init() throws { bench = try StoreFixture() }

    private func piece(_ offset: Int, _ count: Int) -> [UInt8] { Array(Self.large[offset..<offset + count]) }

    @Test func aFailedRangeIsRememberedForAWhile() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(
            bench.store(timeouts: StoreTimeouts(failure: .milliseconds(700))), blob)
        let file = try layer.stream("large")
        bench.source.failAfter = bench.source.moved
        #expect(throws: StoreError.self) { try file.bytes(1 << 20, 4096, of: layer) }
        bench.source.failAfter = nil
        let requests = bench.source.requests.count
        // The kernel repeats a failed read at once.
        #expect(throws: StoreError.self) { try file.bytes(1 << 20, 4096, of: layer) }
        #expect(bench.source.requests.count == requests)
        usleep(800_000)
        #expect(try file.bytes(1 << 20, 4096, of: layer) == piece(1 << 20, 4096))
    }

    /// A failed range fails only its own waiters. Waiters for other bytes get them, and so does a read that comes at
    /// that moment.
    @Test func aFailedRangeFailsNoOther() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let broken = try layer.stream("large")
        let sound = try layer.stream("large")
        bench.source.broken = ByteRange(start: 2 << 20, count: 1 << 20)
        bench.source.isHeld = true
        let waiting = Outcome()
        // The offset in the layer: the first member's header comes before its content.
        let range = try #require(ByteRange(start: 512 + 5 << 20, count: 4096))
        _ = layer.requireRange(range, ahead: 0, waiting.waiter)
        bench.source.isHeld = false
        #expect(throws: StoreError.self) { try broken.bytes(2 << 20, 4096, of: layer) }
        #expect(try waiting.wait() == nil)
        #expect(try sound.bytes(5 << 20, 4096, of: layer) == piece(5 << 20, 4096))
        #expect(try sound.bytes(0, 4096, of: layer) == piece(0, 4096))
    }

    /// A silent source fails a read after 1.4 times the time-out.
    @Test func waitsAreBounded() throws {
        let blob = try bench.source.add(Self.tar)
        let store = try bench.store(timeout: 1)
        let layer = try bench.listed(store, blob)
        bench.source.isHeld = true
        let file = try layer.stream("large")
        let start = ContinuousClock.now
        #expect(throws: StoreError.self) { try file.bytes(0, 4096, of: layer) }
        guard case .source(.unreachable)? = try layer.content() else {
            Issue.record("it should not be reached")
            return
        }
        #expect(ContinuousClock.now - start < .seconds(6))
        bench.source.isHeld = false
        #expect(try layer.content() == nil)
    }

    /// A stream that was open while wrong bytes came reads no more, in any process. A new stream reads the right bytes.
    @Test func wrongBytesEndAllStreams() throws {
        let blob = try bench.source.add(Self.tar)
        let layers = try (0..<2).map { _ in try bench.listed(bench.store(), blob) }
        var wrong = Self.tar
        wrong[5 << 20] ^= 1
        bench.source.replace(blob.digest, wrong)
        let files = try layers.map { try $0.stream("large") }
        for (layer, file) in zip(layers, files) {
            #expect(try file.bytes(0, 4096, of: layer) == piece(0, 4096))
        }
        guard case .digestMismatch? = try layers[0].content() else {
            Issue.record("it should not match")
            return
        }
        bench.source.replace(blob.digest, Self.tar)
        #expect(throws: StoreError.self) { try files[0].present(0, 4096) }
        try eventually(within: 2, "the other sees it") { (try? files[1].present(0, 4096)) == nil }
        for _ in 0..<3 {
            for (layer, file) in zip(layers, files) {
                #expect(throws: StoreError.self) { try file.bytes(0, 4096, of: layer) }
            }
        }
        for layer in layers {
            #expect(try layer.stream("large").bytes(5 << 20, 4096, of: layer) == piece(5 << 20, 4096))
            #expect(try layer.content() == nil)
            #expect(try layer.bytes("large") == Self.large)
        }
        // A stream that failed so stays failed, although the layer is right by now.
        for file in files { #expect(throws: StoreError.self) { try file.present(0, 4096) } }
    }

    /// Observers are told that the entries have changed, and new streams read the new entries.
    @Test func entriesThatTurnOutToBeOthers() throws {
        var lie = TarBuilder()
        lie.file("gone", Array(Self.large[..<2_000_000]))
        lie.file("kept", [1])
        var truth = TarBuilder()
        truth.file("kept", [1])
        truth.file("new", Array(Self.large[..<2_000_000]))
        let blob = try bench.source.add(truth.finish())
        bench.source.replace(blob.digest, lie.finish())
        let layer = try bench.listed(bench.store(), blob)
        let epoch = try #require(layer.index).epoch
        let changes = Changes()
        layer.observe { changes.add($0) }
        #expect(layer.index?.number(at: try EntryPath(parsing: Array("gone".utf8))) != nil)
        let stream = try layer.stream("gone")
        bench.source.replace(blob.digest, truth.finish())
        #expect(try layer.content() == nil)
        #expect(layer.index?.epoch != epoch && layer.index?.isVerified == true)
        #expect(changes.all.contains("entries"))
        #expect(layer.index?.number(at: try EntryPath(parsing: Array("gone".utf8))) == nil)
        #expect(try layer.bytes("new") == Array(Self.large[..<2_000_000]) && layer.bytes("kept") == [1])
        // The stream's file is not in the new entries.
        #expect(throws: StoreError.self) { try stream.present(0, 10) }
        #expect(bench.source.moved < blob.size + 40_000, "it is not fetched twice for that")
        try eventually(within: 10, "it is committed") { try bench.files("partial").isEmpty }
        let next = try bench.listed(bench.store(), blob)
        #expect(try next.content() == nil)
        #expect(try next.bytes("new") == Array(Self.large[..<2_000_000]))
    }

    /// A partial layer that is deleted by hand is fetched again, for readers and for waiters.
    @Test(arguments: [LayerForm(.tar), LayerForm(.tar, .gzip)])
    func theDirectoryIsTakenAway(_ form: LayerForm) throws {
        let blob =
            form.compression == nil
            ? try bench.source.add(Self.tar) : try bench.gzip(StoreFixture.tar([("large", Self.large)]))
        let layer = try bench.listed(bench.store(), blob, form)
        let file = try layer.stream("large")
        #expect(try file.bytes(0, 4096, of: layer) == piece(0, 4096))
        bench.source.heldFrom = 2 << 20
        let outcome = Outcome()
        _ = layer.requireContent(outcome.waiter)
        usleep(50_000)
        try Command.check("sh", ["-c", "rm -rf \(bench.path)/partial/*/*"])
        usleep(700_000)
        bench.source.heldFrom = nil
        #expect(try outcome.wait() == nil)
        // If the layer was complete before the deletion was noticed, it is fetched once more.
        let content = try layer.bytes("large") ?? (layer.content() == nil ? layer.bytes("large") : nil)
        #expect(content == Self.large)
        #expect(try file.bytes(5 << 20, 4096, of: layer) == piece(5 << 20, 4096))
    }

    @Test func aShutdownEndsReaders() throws {
        let blob = try bench.source.add(Self.tar)
        let store = try bench.store()
        let layer = try bench.listed(store, blob)
        let file = try layer.stream("large")
        #expect(try file.bytes(0, 4096, of: layer) == piece(0, 4096))
        bench.source.isHeld = true
        let outcomes = (1..<6).map { number -> Outcome in
            let outcome = Outcome()
            if let range = ByteRange(start: UInt64(number) << 20, count: 10) {
                _ = layer.requireRange(range, ahead: 0, outcome.waiter)
            }
            return outcome
        }
        usleep(20_000)
        store.shutDown()
        for outcome in outcomes { _ = try outcome.wait() }
        #expect(throws: StoreError.source(.cancelled)) { try file.bytes(5 << 20, 4096, of: layer) }
    }

    /// A fetch for readers ends when the last of them has left.
    @Test func readersThatLeave() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let file = try layer.stream("large")
        #expect(try file.bytes(0, 4096, of: layer) == piece(0, 4096))
        bench.source.heldFrom = 3 << 20
        let range = try #require(ByteRange(start: 4 << 20, count: 10))
        let (first, second) = (Outcome(), Outcome())
        let ids = [first, second].map { layer.requireRange(range, ahead: 0, $0.waiter) }
        layer.cancel(try #require(ids[0]))
        usleep(30_000)
        #expect(layer.activity?.waiters == 1)
        layer.cancel(try #require(ids[1]))
        #expect(layer.activity?.waiters == 0)
        try eventually(within: 5, "the fetch ends") { layer.transfer?.fetcher.isIdle ?? true }
        #expect(!first.isCalled && !second.isCalled)
        bench.source.heldFrom = nil
        #expect(try file.bytes(4 << 20, 4096, of: layer) == piece(4 << 20, 4096))
    }
}

/// The changes that an observer was told.
private final class Changes: Sendable {
    private let told = Mutex<[String]>([])
    var all: [String] { told.withLock { $0 } }
    func add(_ change: Layer.Change) { told.withLock { $0.append("\(change)") } }
}
