// SPDX-License-Identifier: Apache-2.0
import Glibc
import LayerIndex
import Logging
import OCI
import TestSupport
import Testing

@testable import DurableFiles
@testable import LayerCache
@testable import LayerStore

/// Space is freed by evicting layers that are not in use, if that frees enough, and with as few scans of the cache as
/// possible.
@Suite struct SpaceManagerTests {
    private let fixture: StoreFixture
    private static let size = 300_000
    private static let other = LayerKey(digest: DigestHasher.digest(of: [9]), form: LayerForm(.raw))

    init() throws { fixture = try StoreFixture() }

    /// Fills the cache with whole layers that nobody has open.
    private func fill(_ count: Int) throws -> [Descriptor] {
        let store = try fixture.store()
        let blobs = try (0..<count).map {
            try fixture.source.add(StoreFixture.noise(Self.size, seed: UInt64(71 + 2 * $0)))
        }
        for blob in blobs {
            #expect(try store.layer(blob, form: LayerForm(.raw), source: fixture.source).content() == nil)
        }
        try eventually(within: 10, "they are committed") { try layerCount() == count }
        store.shutDown()
        return blobs
    }

    private func layerCount() throws -> Int { try fixture.files("layers").filter { $0.hasSuffix("/state") }.count }

    private func manager(_ cache: CacheDirectory, limit: UInt64?) -> SpaceManager {
        SpaceManager(cache, limit: limit, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            IdleLayers.shared.releaseAll()
        }
    }

    @Test func whatCanNeverFitEvictsNothing() throws {
        _ = try fill(3)
        let cache = try CacheDirectory(path: fixture.path)
        let limit = UInt64(4 * Self.size)
        let space = manager(cache, limit: limit)
        #expect(throws: StoreError.self) { try space.reserve(Self.other) { limit + 1 } }
        #expect(throws: StoreError.self) { try space.charge(Self.other, limit + 1) }
        let capacity = try cache.layers.capacity
        #expect(throws: StoreError.self) { try manager(cache, limit: nil).reserve(Self.other) { capacity + 1 } }
        #expect(!manager(cache, limit: nil).reclaim(capacity + 1, for: Self.other, reached: 0))
        #expect(try layerCount() == 3)
    }

    /// A request that does not fit beside the open layers evicts nothing either.
    @Test func nothingGoesWhereThatIsNotEnough() throws {
        let blobs = try fill(3)
        let store = try fixture.store()
        let layer = store.layer(blobs[0], form: LayerForm(.raw), source: fixture.source)
        #expect(try layer.content() == nil)
        let file = try layer.openFile(content: ByteRange(upTo: UInt64(Self.size)))
        #expect(file != nil)
        let cache = try CacheDirectory(path: fixture.path)
        let space = manager(cache, limit: UInt64(4 * Self.size))
        #expect(throws: StoreError.self) { try space.reserve(Self.other) { UInt64(7 * Self.size / 2) } }
        #expect(try layerCount() == 3)
        // A request that fits beside the open layer evicts the others.
        try space.reserve(Self.other) { UInt64(5 * Self.size / 2) }
        #expect(try layerCount() < 3)
        #expect(try fixture.files("layers").contains { $0.contains(blobs[0].digest.hex) })
        withExtendedLifetime(file) {}
    }

    /// The disk usage of a whole layer is computed only once.
    @Test func usageIsAddedUpFromWhatIsKnown() throws {
        let blobs = try fill(2)
        let cache = try CacheDirectory(path: fixture.path)
        var usage = CacheUsage()
        let first = try usage.bytes(cache)
        #expect(first >= UInt64(2 * Self.size))
        let layers = try fixture.files("layers")
        let member = try #require(layers.first { $0.contains("/members/") })
        // A whole layer does not change. This one does, which only a new computation would show.
        try writeFile(member, [UInt8](repeating: 1, count: 3_000_000))
        #expect(try usage.bytes(cache) == first)
        var fresh = CacheUsage()
        #expect(try fresh.bytes(cache) > first + 2_000_000)
        for blob in blobs {
            try Command.check(
                "rm", ["-r", "\(fixture.path)/layers/\(LayerKey(digest: blob.digest, form: LayerForm(.raw)))"])
        }
        #expect(try usage.bytes(cache) == 0)
    }

    /// Several evictions in a row need one scan of all layers.
    @Test func theLongestUnusedGoFirst() throws {
        let blobs = try fill(3)
        for (age, blob) in blobs.enumerated() {
            let state = "\(fixture.path)/layers/\(LayerKey(digest: blob.digest, form: LayerForm(.raw)))/state"
            try Command.check("touch", ["-d", "\(10 - age) days ago", state])
        }
        let cache = try CacheDirectory(path: fixture.path)
        var queue = try EvictionQueue(cache)
        #expect(queue.allocated >= UInt64(3 * Self.size))
        let gone = try (0..<3).map { _ in try queue.evictNext(from: cache)?.key.digest }
        #expect(gone == blobs.map(\.digest))
        #expect(try queue.evictNext(from: cache) == nil && layerCount() == 0)
    }
}
