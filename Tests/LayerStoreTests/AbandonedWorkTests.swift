// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import OCI
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

/// Waiters that cancel: the work begun for them ends, and blocks nothing that others need.
@Suite struct AbandonedWorkTests {
    private let bench: StoreFixture

    init() throws { bench = try StoreFixture() }

    /// The blob's head does not show the entries. By the time that is known, nobody waits for the whole blob any more.
    @Test func aListingThatIsLeftFetchesNothing() throws {
        let content = StoreFixture.noise(1 << 20, seed: 1)
        let blob = try bench.gzip(StoreFixture.tar([("a", content), ("b", content)]))
        let store = try bench.store()
        let layer = store.layer(blob, form: LayerForm(.tar, .gzip), source: bench.source)
        bench.source.isHeld = true
        let left = Outcome()
        let id = try #require(layer.requireIndex(left.waiter))
        try eventually(within: 10, "the head is asked for") { !bench.source.requests.isEmpty }
        layer.cancel(id)
        bench.source.isHeld = false
        usleep(300_000)
        #expect(bench.source.moved < 32 << 10 && !left.isCalled)
        // A later waiter is served.
        #expect(try layer.listed() == nil)
        #expect(layer.index?.count == 3)
    }

    /// As above, but another waiter comes before the first one's work has ended.
    @Test func aListingThatOthersTakeUp() throws {
        let blob = try bench.gzip(StoreFixture.tar([("a", [1]), ("b", StoreFixture.noise(1 << 20, seed: 2))]))
        for round in 0..<20 {
            let fresh = try StoreFixture()
            let layer = try fresh.store().layer(blob, form: LayerForm(.tar, .gzip), source: bench.source)
            bench.source.isHeld = true
            let first = Outcome()
            let id = try #require(layer.requireIndex(first.waiter))
            usleep(UInt32(round) * 500)
            let second = Outcome()
            layer.cancel(id)
            _ = layer.requireIndex(second.waiter)
            bench.source.isHeld = false
            #expect(try second.wait() == nil)
            #expect(layer.index?.count == 3)
        }
    }

    @Test func opensThatAreLeftKeepNoRoom() throws {
        let size = 3 << 20
        let store = LayerStore(
            cache: try CacheDirectory(path: bench.path), timeout: 60, limit: UInt64(size * 2),
            timeouts: StoreTimeouts(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        bench.source.isHeld = true
        for number in 0..<40 {
            let blob = try bench.source.add(StoreFixture.noise(size, seed: UInt64(number) + 10))
            let layer = store.layer(blob, form: LayerForm(.raw), source: bench.source)
            let outcome = Outcome()
            guard let id = layer.requireContent(outcome.waiter) else { continue }
            usleep(UInt32(number) * 100)
            layer.cancel(id)
        }
        bench.source.isHeld = false
        let last = try bench.source.add(StoreFixture.noise(size, seed: 9))
        let layer = store.layer(last, form: LayerForm(.raw), source: bench.source)
        #expect(try layer.content() == nil)
    }

    /// Another kit's descriptor gives the blob another size. While that fetch runs, this one is refused; after it, this
    /// one succeeds.
    @Test func anotherSizeAtTheSameTime() throws {
        let tar = StoreFixture.tar([("large", StoreFixture.noise(2 << 20, seed: 3))])
        let blob = try bench.source.add(tar)
        let wrong = Descriptor(mediaType: blob.mediaType, digest: blob.digest, size: blob.size + 512)
        let other = try bench.store()
        bench.source.heldFrom = 1 << 20
        let held = Outcome()
        _ = other.layer(wrong, form: LayerForm(.raw), source: bench.source).requireContent(held.waiter)
        try eventually(within: 10, "it has begun") { bench.source.moved >= 1 << 20 }
        let layer = try bench.store().layer(blob, form: LayerForm(.raw), source: bench.source)
        let error = try layer.content()
        #expect(error?.description.contains("another that is being fetched") ?? false, "\(String(describing: error))")
        bench.source.heldFrom = nil
        other.shutDown()
        #expect(try layer.content() == nil)
    }
}
