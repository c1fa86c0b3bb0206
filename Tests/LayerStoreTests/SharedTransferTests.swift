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

/// Several stores on one cache, as several processes would have: what one fetches, all can read.
@Suite struct SharedTransferTests {
    private let bench: StoreFixture
    private static let large = StoreFixture.noise(12 << 20, seed: 31)
    private static let tar = StoreFixture.tar([("large", large), ("small", [7])])
    /// Bytes of headers, and of claimed chunks that may come twice.
    private static let slack: UInt64 = 40_000

    init() throws { bench = try StoreFixture() }

    private func blob(_ form: LayerForm) throws -> Descriptor {
        form.compression == nil
            ? try bench.source.add(Self.tar) : try bench.gzip(StoreFixture.tar([("large", Self.large)]))
    }

    @Test(arguments: [LayerForm(.tar), LayerForm(.tar, .gzip)])
    func eachChunkOnce(_ form: LayerForm) throws {
        let blob = try blob(form)
        bench.source.setJitter(seed: 1)
        let layers = try (0..<3).map { _ in try bench.listed(bench.store(), blob, form) }
        let before = bench.source.moved
        let outcomes = layers.map { layer in
            let outcome = Outcome()
            _ = layer.requireContent(outcome.waiter)
            return outcome
        }
        let files = try layers.map { try $0.stream("large") }
        for (place, file) in files.enumerated() {
            let offset = (place + 1) * 3_000_000
            #expect(
                try file.bytes(UInt64(offset), 4096, of: layers[place]) == Array(Self.large[offset..<offset + 4096]))
        }
        for outcome in outcomes { #expect(try outcome.wait() == nil) }
        for layer in layers { #expect(try layer.bytes("large") == Self.large) }
        #expect(bench.source.moved - before <= blob.size)
        try eventually(within: 10, "it is committed") { try bench.files("partial").isEmpty }
        #expect(try bench.files("layers").filter { $0.hasSuffix("/state") }.count == 1)
    }

    /// The store that verifies does so for all stores, even when nobody in its own process waits.
    @Test(arguments: [LayerForm(.tar), LayerForm(.tar, .gzip)])
    func anIdleVerifierGoesOn(_ form: LayerForm) throws {
        let blob = try blob(form)
        let layers = try (0..<2).map { _ in try bench.listed(bench.store(), blob, form) }
        let file = try layers[0].stream("large")
        #expect(try file.bytes(0, 4096, of: layers[0]) == Array(Self.large[..<4096]))
        try eventually(within: 5, "it verifies") { layers[0].transfer?.verifier.holdsClaim ?? false }
        #expect(try layers[1].content() == nil)
        #expect(try layers[1].bytes("large") == Self.large)
        #expect(try file.present(9 << 20, 4096) == Array(Self.large[(9 << 20)..<(9 << 20) + 4096]))
    }

    /// When the store that fetches is gone, another completes what it began.
    @Test(arguments: [LayerForm(.tar), LayerForm(.tar, .gzip)])
    func oneDiesInTheMiddle(_ form: LayerForm) throws {
        let blob = try blob(form)
        var dying: LayerStore? = try bench.store()
        let other = try bench.listed(bench.store(), blob, form)
        bench.source.heldFrom = blob.size / 2
        let before = bench.source.moved
        do {
            let layer = try bench.listed(try #require(dying), blob, form)
            _ = layer.requireContent { _ in }
            try eventually(within: 10, "half has come") {
                bench.source.moved - before >= blob.size / 2 - Self.slack
            }
        }
        let outcome = Outcome()
        _ = other.requireContent(outcome.waiter)
        usleep(50_000)
        dying?.shutDown()
        dying = nil
        bench.source.heldFrom = nil
        #expect(try outcome.wait() == nil)
        #expect(try other.bytes("large") == Self.large)
        // Each request under way leaves one incomplete chunk, which is fetched again. There are eight such requests at
        // most.
        #expect(bench.source.moved - before <= blob.size + 8 * StateFile.chunkSize)
    }

    /// A holder of claims without a heartbeat is left alone with its directory. The other store starts a new one.
    @Test func aFrozenHolderIsLeft() throws {
        let blob = try bench.source.add(Self.tar)
        let timeouts = StoreTimeouts(holder: .milliseconds(1500))
        let layer = try bench.listed(bench.store(timeouts: timeouts), blob)
        let cache = try CacheDirectory(path: bench.path)
        let frozen = try PartialLayer.open(layer.key, blobSize: blob.size, in: cache)
        let participant = try #require(try frozen.state.join())
        #expect(try frozen.state.claim(.mounted, .shared))
        #expect(try frozen.state.claimChunks(4..<8))
        try frozen.state.recordFetcher(participant, of: 4..<8)
        let file = try layer.stream("large")
        // Chunks that the holder has not claimed come at once.
        #expect(try file.bytes(0, 4096, of: layer) == Array(Self.large[..<4096]))
        let start = ContinuousClock.now
        let place = 5 * Int(StateFile.chunkSize)
        #expect(try file.bytes(UInt64(place), 4096, of: layer) == Array(Self.large[place..<place + 4096]))
        #expect(ContinuousClock.now - start > .milliseconds(1400), "it must be given its time")
        #expect(try !frozen.isCurrent)
        #expect(try layer.content() == nil)
        // The holder wakes up, and does no harm.
        try frozen.state.markPresent(4..<8)
        try frozen.discard()
        #expect(try layer.bytes("large") == Self.large)
    }

    /// A holder with a heartbeat is waited for, however slow it is.
    @Test func aSlowHolderIsWaitedFor() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(timeouts: StoreTimeouts(holder: .milliseconds(1500))), blob)
        let cache = try CacheDirectory(path: bench.path)
        let slow = try PartialLayer.open(layer.key, blobSize: blob.size, in: cache)
        let participant = try #require(try slow.state.join())
        #expect(try slow.state.claimChunks(4..<8))
        try slow.state.recordFetcher(participant, of: 4..<8)
        let file = try layer.stream("large")
        let listed = bench.source.moved
        #expect(try file.bytes(0, 10, of: layer) == Array(Self.large[..<10]))
        // A chunk's bytes come with the whole chunk, and with the free chunks after it.
        let before = listed + 4 * StateFile.chunkSize
        try eventually(within: 10, "what nobody holds is fetched") { bench.source.moved >= before }
        let outcome = Outcome()
        let range = try #require(ByteRange(start: 5 * StateFile.chunkSize, count: 10))
        _ = layer.requireRange(range, ahead: 0, outcome.waiter)
        for beat in 0..<30 {
            slow.state.beat(participant, UInt64(beat))
            usleep(100_000)
        }
        #expect(try slow.isCurrent)
        guard !outcome.isCalled else {
            Issue.record("it was not waited for: \(String(describing: try outcome.wait()))")
            return
        }
        var files = try LayerFiles(directory: slow.directory, layout: try #require(layer.index).layout)
        let bytes = Array(Self.tar[4 * Int(StateFile.chunkSize)..<8 * Int(StateFile.chunkSize)])
        try files.write(bytes.span.bytes, at: 4 * StateFile.chunkSize)
        try slow.state.markPresent(4..<8)
        slow.state.releaseChunks(4..<8)
        #expect(try outcome.wait() == nil)
        #expect(bench.source.moved == before, "nothing of it was fetched again")
        #expect(try file.present(5 * StateFile.chunkSize, 10)?.count == 10)
    }
}
