// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import Synchronization
import TestSupport
import Testing
import Threading

@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

/// Listing by ranges gives the same entries as the whole tar, with few bytes and few requests.
@Suite struct TarListerTests {
    private func list(_ tar: [UInt8]) throws -> (index: LayerIndex, source: MemorySource) {
        let source = try MemorySource()
        var lister = TarLister(
            blob: try source.add(tar), source: source, guessing: WorkerPool(limit: 256), cancellation: Cancellation())
        return (try lister.index(), source)
    }

    @Test func largeMembersArePassedOver() throws {
        let (index, source) = try list(
            StoreFixture.tar((0..<16).map { ("d/\($0)", StoreFixture.noise(300_000, seed: UInt64($0))) }))
        #expect(index.count == 18)
        #expect(source.moved < 16 * 5000)
    }

    @Test func smallMembersCostFewRequests() throws {
        let (index, source) = try list(StoreFixture.tar((0..<5000).map { ("d/\($0)", [1, 2, 3]) }))
        #expect(index.count == 5002)
        #expect(source.requests.count < 20)
    }

    @Test func anyShapeGivesTheSameEntries() throws {
        var random = SeededGenerator(seed: 20_261_123)
        for _ in 0..<60 {
            var tar = TarBuilder()
            for number in 0..<Int.random(in: 0...80, using: &random) {
                let sizes = [0, 1, 511, 512, 513, 4096, 70_000, 1_100_000]
                let content = [UInt8](
                    repeating: 7, count: sizes[Int.random(in: 0..<(number % 9 == 8 ? 8 : 6), using: &random)])
                tar.file(number % 5 == 0 ? "d/日本語-\(number)" : "d/\(number)", content)
            }
            let bytes = tar.finish()
            let (index, _) = try list(bytes)
            let bench = try StoreFixture()
            let blob = try bench.source.add(bytes)
            let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
            #expect(try layer.content() == nil)
            #expect(try #require(layer.index).hasSameEntries(as: index))
        }
    }

    /// Headers at equal strides are requested many at once, and nothing else of the layer is.
    @Test(arguments: [-1, 57]) func equalStridesAreGuessed(_ odd: Int) throws {
        let content = [UInt8](repeating: 7, count: 150_000)
        let tar = StoreFixture.tar((0..<150).map { ("d/\($0)", $0 == odd ? content + [1, 2, 3] + content : content) })
        let source = CrowdedSource(try MemorySource())
        var lister = TarLister(
            blob: try source.source.add(tar), source: source, guessing: WorkerPool(limit: 256),
            cancellation: Cancellation())
        let index = try lister.index()
        #expect(index.count == 152)  // the root and `d` besides
        #expect(source.crowd >= 8)
        // One header for each member, a window around each of the first few, and some wasted requests after a wrong
        // guess.
        #expect(source.source.moved < 150 * 512 + 10 * 2048 + (odd < 0 ? 0 : 96 * 512))
        let whole = try StoreFixture()
        let layer = try whole.store().layer(
            whole.source.add(tar), form: LayerForm(.tar), source: whole.source)
        #expect(try layer.content() == nil)
        #expect(try #require(layer.index).hasSameEntries(as: index))
    }

    /// Members of a hostile tar, with headers so long that many at once would fill the memory.
    @Test func longHeadersAreNotGuessed() throws {
        var tar = TarBuilder()
        for number in 0..<8 {
            tar.pax([("comment", [UInt8](repeating: 7, count: 200_000))])
            tar.file("d/\(number)", [UInt8](repeating: 7, count: 150_000))
        }
        let source = CrowdedSource(try MemorySource())
        var lister = TarLister(
            blob: try source.source.add(tar.finish()), source: source, guessing: WorkerPool(limit: 256),
            cancellation: Cancellation())
        #expect(try lister.index().count == 10)
        #expect(source.crowd == 1)
    }

    @Test func truncatedTarsAreRefused() throws {
        let tar = StoreFixture.tar([("a", StoreFixture.noise(5000, seed: 1)), ("b", [1])])
        // Tars of other tools than kit may end right after a member's content, with or without padding.
        for count in stride(from: 1, to: tar.count - 1024, by: 97)
        where !(5512...5632).contains(count) && !(6145...6656).contains(count) {
            #expect(throws: (any Error).self, "\(count) bytes") { _ = try list(Array(tar[..<count])) }
        }
    }
}

/// Counts the most requests that are under way at once.
private final class CrowdedSource: OriginSource {
    let source: MemorySource
    private let counts = Mutex<(now: Int, most: Int)>((0, 0))
    var crowd: Int { counts.withLock { $0.most } }

    init(_ source: MemorySource) { self.source = source }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
        defer { counts.withLock { $0.now -= 1 } }
        usleep(2000)
        try source.fetch(blob, range: range, cancellation: cancellation, receive: receive)
    }
}

/// Random numbers that the seed determines.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
