// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

/// Files that are read while they are fetched.
@Suite struct StreamTests {
    private let bench: StoreFixture
    private static let chunk = StateFile.chunkSize
    private static let one = StoreFixture.noise(9 << 20, seed: 11)
    private static let two = StoreFixture.noise(5 << 20, seed: 12)
    private static let tar = StoreFixture.tar([("one", one), ("small", [1, 2, 3]), ("two", two)])

    init() throws { bench = try StoreFixture() }

    private func piece(_ content: [UInt8], _ offset: Int, _ count: Int) -> [UInt8] {
        Array(content[offset..<min(content.count, offset + count)])
    }

    @Test func aReadBringsItsChunksAndNoMore() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let before = (bench.source.moved, bench.source.requests.count)
        let file = try layer.stream("one")
        let place = 5_000_000
        #expect(try file.present(UInt64(place), 4096) == nil)
        #expect(bench.source.moved == before.0, "looking fetches nothing")
        #expect(try file.bytes(UInt64(place), 4096, of: layer) == piece(Self.one, place, 4096))
        let asked = bench.source.requests[before.1...]
        #expect(asked.count == 1 && asked.allSatisfy { $0.start % Self.chunk == 0 && $0.count <= 2 * Self.chunk })
        #expect(bench.source.moved - before.0 <= 2 * Self.chunk)
        // Now the bytes are present without a wait, and so are others of the same chunk.
        #expect(try file.present(UInt64(place), 4096) == piece(Self.one, place, 4096))
        #expect(layer.status.stage == .partial && !layer.status.isVerified)
    }

    @Test func theEndsOfFiles() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let file = try layer.stream("one")
        let end = UInt64(Self.one.count)
        #expect(try file.present(end, 10) == [] && file.present(end + 5000, 10) == [])
        #expect(try file.bytes(end - 3, 10, of: layer) == piece(Self.one, Self.one.count - 3, 3))
        #expect(try layer.stream("small").bytes(0, 100, of: layer) == [1, 2, 3])
    }

    /// A sequential read makes large requests, and fetches nothing after the end of the file.
    @Test func readingInOrderFetchesAheadAndNotBeyondTheFile() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let (moved, count) = (bench.source.moved, bench.source.requests.count)
        let file = try layer.stream("one")
        var offset = 0
        while offset < Self.one.count {
            let bytes = try file.bytes(UInt64(offset), 128 << 10, of: layer)
            #expect(bytes == piece(Self.one, offset, 128 << 10))
            offset += bytes.count
        }
        #expect(bench.source.moved - moved <= UInt64(Self.one.count) + 2 * Self.chunk)
        #expect(bench.source.requests.count - count <= 16)
    }

    /// A layer is verified once all of it is present. Open streams then read from the layer.
    @Test func whatIsReadAsAWholeIsVerified() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let file = try layer.stream("one")
        for path in ["two", "small", "one"] {
            let stream = try layer.stream(path)
            let content = path == "one" ? Self.one : path == "two" ? Self.two : [1, 2, 3]
            var found: [UInt8] = []
            while found.count < content.count {
                found += try stream.bytes(UInt64(found.count), 1 << 20, of: layer)
            }
            #expect(found == content)
        }
        try eventually(within: 10, "it is verified") { layer.status.stage == .cached }
        #expect(try file.present(100, 1000) == piece(Self.one, 100, 1000))
        #expect(layer.index?.isVerified == true)
        try eventually(within: 10, "it is committed") { try bench.files("partial").isEmpty }
        #expect(try file.present(5000, 1000) == piece(Self.one, 5000, 1000))
    }

    @Test(arguments: [LayerForm(.tar, .gzip), LayerForm(.raw)])
    func readsAreAnsweredAsTheFrontAdvances(_ form: LayerForm) throws {
        let blob =
            form.archive == .raw
            ? try bench.source.add(Self.one) : try bench.gzip(StoreFixture.tar([("one", Self.one)]))
        let layer = try bench.listed(bench.store(), blob, form)
        bench.source.heldFrom = 3 << 20
        let file = form.archive == .raw ? layer.openStream(content: ByteRange(upTo: 9 << 20)) : try layer.stream("one")
        #expect(try file.bytes(0, 4096, of: layer) == piece(Self.one, 0, 4096))
        #expect(try file.bytes(2_000_000, 4096, of: layer) == piece(Self.one, 2_000_000, 4096))
        let late = Outcome()
        let range = try #require(ByteRange(start: 6 << 20, count: 4096))
        let id = layer.requireRange(range, ahead: 0, late.waiter)
        usleep(100_000)
        #expect(!late.isCalled && id != nil)
        #expect(layer.activity?.waiters == 1)
        bench.source.heldFrom = nil
        #expect(try late.wait() == nil)
        #expect(try file.bytes(8 << 20, 4096, of: layer) == piece(Self.one, 8 << 20, 4096))
    }

    /// Without range support the blob comes as one stream, and each reader gets its part as it passes.
    @Test func aSourceThatIgnoresRanges() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        let before = bench.source.moved
        bench.source.ignoresRanges = true
        let file = try layer.stream("two")
        #expect(try file.bytes(4 << 20, 4096, of: layer) == piece(Self.two, 4 << 20, 4096))
        #expect(try layer.stream("one").bytes(5 << 20, 4096, of: layer) == piece(Self.one, 5 << 20, 4096))
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("one") == Self.one)
        #expect(bench.source.moved - before <= blob.size + blob.size / 10)
    }

    /// Without ranges the layer cannot be listed by its headers either. Its listing comes from the whole blob.
    @Test func aSourceThatIgnoresRangesFromTheFirst() throws {
        let blob = try bench.source.add(Self.tar)
        bench.source.ignoresRanges = true
        let layer = try bench.listed(bench.store(), blob)
        #expect(layer.index?.isVerified == true)
        for (path, content) in [("one", Self.one), ("two", Self.two), ("small", [1, 2, 3])] {
            #expect(try layer.bytes(path) == content)
        }
        #expect(bench.source.moved <= blob.size + blob.size / 10)
        try eventually(within: 10, "it is committed") { try bench.files("partial").isEmpty }
        let next = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try next.content() == nil)
        #expect(try next.bytes("two") == Self.two)
        #expect(bench.source.moved <= blob.size + blob.size / 10)
    }
}
