// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import Synchronization
import TestSupport
import Testing
import Threading

@testable import LayerIndex
@testable import LayerCache
@testable import LayerStore

/// Many readers on many threads, in several stores, that come, leave and wait at random. `KITFS_SEED` is the first
/// seed. With `KITFS_SOAK` the test takes long.
@Suite struct TransferStressTests {
    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    private static let firstSeed = number("KITFS_SEED") ?? 1
    private static let rounds: UInt64 = number("KITFS_SOAK") == nil ? 3 : 100
    private static let large = StoreFixture.noise(7 << 20, seed: 41)
    private static let small = StoreFixture.noise(90_000, seed: 42)

    @Test(arguments: [LayerForm(.tar), LayerForm(.tar, .gzip), LayerForm(.raw)])
    func manyThreads(_ form: LayerForm) throws {
        for seed in Self.firstSeed..<Self.firstSeed + Self.rounds {
            let comment: Comment = "again: KITFS_SEED=\(seed) \(form)"
            do { try round(form, seed, comment) } catch { Issue.record(error, comment) }
        }
    }

    private func round(_ form: LayerForm, _ seed: UInt64, _ comment: Comment) throws {
        let bench = try StoreFixture()
        let contents =
            form == LayerForm(.tar) ? [("large", Self.large), ("small", Self.small)] : [("large", Self.large)]
        let blob =
            switch (form.archive, form.compression) {
            case (.raw, _): try bench.source.add(Self.large)
            case (.tar, nil): try bench.source.add(StoreFixture.tar(contents))
            case (.tar, _?): try bench.gzip(StoreFixture.tar(contents))
            }
        bench.source.setJitter(seed: seed)
        let stores = try (0..<2).map { _ in try bench.store() }
        let layers = try stores.map { try bench.listed($0, blob, form) }
        let problems = Problems()
        let readers = WorkerPool(limit: 8)
        for number in 0..<8 {
            let reader = SeededReader(layers[number % 2], contents, seed &* 100 &+ UInt64(number), problems)
            readers.submit { reader.run() }
        }
        readers.waitUntilIdle()
        #expect(problems.all.isEmpty, "\(problems.all.prefix(5).joined(separator: "\n")) \(comment)")
        for layer in layers {
            #expect(try layer.content() == nil, comment)
            if form.archive == .tar { #expect(try layer.bytes("large") == Self.large, comment) }
        }
        try eventually(within: 10, "it is committed") { try bench.files("partial").isEmpty }
        #expect(layers.allSatisfy { ($0.activity?.waiters ?? 0) == 0 }, comment)
        for store in stores { store.shutDown() }
        // The files on disk match the digest, and nobody holds the layer.
        let again = try bench.store().layer(blob, form: form, source: bench.source)
        let moved = bench.source.moved
        #expect(try again.content() == nil && bench.source.moved == moved, comment)
    }
}

/// The errors of all threads.
private final class Problems: Sendable {
    private let found = Mutex<[String]>([])
    var all: [String] { found.withLock { $0 } }
    func add(_ text: String) { found.withLock { $0.append(text) } }
}

/// Reads, waits, leaves and returns, as a seed determines.
private struct SeededReader: Sendable {
    let layer: Layer
    let contents: [(name: String, bytes: [UInt8])]
    let seed: UInt64
    let problems: Problems

    init(_ layer: Layer, _ contents: [(String, [UInt8])], _ seed: UInt64, _ problems: Problems) {
        (self.layer, self.contents, self.seed, self.problems) = (layer, contents, seed, problems)
    }

    func run() {
        var random = SplitMix64(seed: seed)
        do {
            for _ in 0..<4 {
                let (name, content) = contents[Int.random(in: 0..<contents.count, using: &random)]
                let file =
                    layer.key.form.archive == .raw
                    ? layer.openStream(content: ByteRange(upTo: UInt64(content.count))) : try layer.stream(name)
                var offset = Int.random(in: 0..<content.count, using: &random)
                for _ in 0..<6 {
                    let count = Int.random(in: 1...200_000, using: &random)
                    if Int.random(in: 0..<5, using: &random) == 0 {
                        leave(offset, random.next())
                        continue
                    }
                    let found = try file.bytes(UInt64(offset), count, of: layer)
                    if found != Array(content[offset..<min(content.count, offset + count)]) {
                        problems.add("\(name): wrong bytes at \(offset), \(count)")
                    }
                    let isInOrder = Int.random(in: 0..<3, using: &random) > 0
                    offset = isInOrder ? offset + found.count : Int.random(in: 0..<content.count, using: &random)
                    if offset >= content.count { offset = 0 }
                }
            }
        } catch {
            problems.add("\(error)")
        }
    }

    /// Adds a waiter, and cancels it.
    private func leave(_ offset: Int, _ number: UInt64) {
        guard let range = ByteRange(start: UInt64(offset), count: 100) else { return }
        let id =
            number % 2 == 0
            ? layer.requireRange(range, ahead: 100_000) { _ in } : layer.requireContent { _ in }
        usleep(UInt32(number % 3000))
        if let id { layer.cancel(id) }
    }
}
