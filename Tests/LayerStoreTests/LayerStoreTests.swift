// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

@Suite struct LayerStoreTests {
    private let bench: StoreFixture
    private static let large = StoreFixture.noise(3 << 20, seed: 1)
    private static let small = StoreFixture.noise(1000, seed: 2)
    private static let tar = StoreFixture.tar([("d/small", small), ("d/large", large), ("d/empty", [])])

    init() throws { bench = try StoreFixture() }

    @Test func aLayerIsListedThenFetchedThenRead() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.listed() == nil)
        #expect(layer.index?.isVerified == false)
        #expect(bench.source.moved < 20_000)
        #expect(try layer.bytes("d/small") == nil)
        #expect(layer.status.stage == .absent)
        #expect(try layer.content() == nil)
        #expect(layer.index?.isVerified == true)
        #expect(try layer.bytes("d/small") == Self.small)
        #expect(try layer.bytes("d/large") == Self.large)
        #expect(try layer.bytes("d/empty") == [])
        #expect(layer.status.stage == .cached)
    }

    /// The stream and the members' files together are the layer, byte for byte. A large member has its own file.
    @Test func filesOnDisk() throws {
        let blob = try bench.source.add(Self.tar)
        let store = try bench.store()
        #expect(try store.layer(blob, form: LayerForm(.tar), source: bench.source).content() == nil)
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
        let directory = "\(bench.path)/layers/sha256-\(blob.digest.hex).tar"
        let start = 512 + 1024 + 512
        #expect(try readFile("\(directory)/members/\(start)") == Self.large)
        var stream = try readFile("\(directory)/stream")
        #expect(stream.count == Self.tar.count)
        #expect(stream[start..<start + Self.large.count].allSatisfy { $0 == 0 })
        stream.replaceSubrange(start..<start + Self.large.count, with: Self.large)
        #expect(stream == Self.tar)
    }

    @Test func manyWaitersOneFetch() throws {
        let blob = try bench.source.add(Self.tar)
        let store = try bench.store()
        bench.source.isHeld = true
        let outcomes = (0..<100).map { _ in Outcome() }
        for outcome in outcomes {
            _ = store.layer(blob, form: LayerForm(.tar), source: bench.source).requireContent(outcome.waiter)
        }
        bench.source.isHeld = false
        for outcome in outcomes { #expect(try outcome.wait() == nil) }
        #expect(bench.source.moved < blob.size + 20_000)
    }

    @Test func twoStoresOneFetch() throws {
        let blob = try bench.source.add(Self.tar)
        let layers = try (0..<2).map { _ in
            try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        }
        bench.source.isHeld = true
        let outcomes = layers.map { layer in
            let outcome = Outcome()
            _ = layer.requireContent(outcome.waiter)
            return outcome
        }
        usleep(50_000)
        bench.source.isHeld = false
        for outcome in outcomes { #expect(try outcome.wait() == nil) }
        for layer in layers { #expect(try layer.bytes("d/large") == Self.large) }
        #expect(bench.source.moved < blob.size + 40_000)
    }

    @Test func whatCameIsNotFetchedAgain() throws {
        let blob = try bench.source.add(Self.tar)
        bench.source.failAfter = 2_000_000
        let first = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        guard case .source(.unreachable)? = try first.content() else {
            Issue.record("the fetch should have failed")
            return
        }
        #expect(first.status.stage == .failed && first.status.cached > 1_500_000)
        #expect(try bench.files("layers").isEmpty)
        let before = bench.source.moved
        bench.source.failAfter = nil
        #expect(try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source).content() == nil)
        #expect(bench.source.moved - before < blob.size - 1_500_000)
    }

    @Test func aGzipLayerResumesToo() throws {
        let gzip = try Command.check("gzip", ["-nc"], input: Self.tar).stdout
        let blob = try bench.source.add(gzip, "application/vnd.kitops.modelkit.dataset.v1.tar+gzip")
        bench.source.failAfter = 1_000_000
        let form = LayerForm(.tar, .gzip)
        #expect(try bench.store().layer(blob, form: form, source: bench.source).content() != nil)
        bench.source.failAfter = nil
        let layer = try bench.store().layer(blob, form: form, source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("d/large") == Self.large)
        #expect(try layer.bytes("d/small") == Self.small)
        #expect(bench.source.moved < blob.size + 500_000)
        #expect(try !bench.files("layers").contains { $0.hasSuffix("/blob") })
    }

    @Test(arguments: [0, 700, 1_000_000])
    func wrongBytesAreNeverServed(_ place: Int) throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.listed() == nil)
        var wrong = Self.tar
        wrong[place] ^= 1
        bench.source.replace(blob.digest, wrong)
        guard case .digestMismatch(let expected, let found)? = try layer.content() else {
            Issue.record("it should not match")
            return
        }
        #expect(expected == blob.digest && found == DigestHasher.digest(of: wrong))
        #expect(try layer.bytes("d/small") == nil)
        #expect(try bench.files("").map { $0.split(separator: "/").last } == ["CACHEDIR.TAG", "VERSION"])
        bench.source.replace(blob.digest, Self.tar)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("d/large") == Self.large)
    }

    @Test func aFetchThatNobodyWaitsForEnds() throws {
        let blob = try bench.source.add(Self.tar)
        let store = try bench.store()
        let layer = store.layer(blob, form: LayerForm(.tar), source: bench.source)
        bench.source.isHeld = true
        let (first, second) = (Outcome(), Outcome())
        let ids = [layer.requireContent(first.waiter), layer.requireContent(second.waiter)]
        layer.cancel(try #require(ids[0]))
        usleep(50_000)
        #expect(layer.status.stage == .fetching)
        layer.cancel(try #require(ids[1]))
        try eventually(within: 5, "the fetch ends") { layer.status.stage != .fetching }
        #expect(!first.isCalled && !second.isCalled)
        bench.source.isHeld = false
        #expect(try layer.content() == nil)
    }

    /// A waiter that comes while a cancelled fetch is still ending gets the layer, and not the error of that fetch.
    @Test func aWaiterAfterTheLastLeft() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        for _ in 0..<20 {
            let id = layer.requireContent { _ in }
            if let id { layer.cancel(id) }
            let outcome = Outcome()
            let next = layer.requireContent(outcome.waiter)
            #expect(try outcome.wait() == nil)
            if let next { layer.cancel(next) }
        }
    }

    @Test func shutDownEndsWhatIsUnderWay() throws {
        let blob = try bench.source.add(Self.tar)
        let store = try bench.store()
        bench.source.isHeld = true
        let outcome = Outcome()
        _ = store.layer(blob, form: LayerForm(.tar), source: bench.source).requireContent(outcome.waiter)
        usleep(20_000)
        store.shutDown()
        #expect(try outcome.wait() == .source(.cancelled))
    }

    @Test func theSameBlobInAnotherFormIsAnotherLayer() throws {
        let gzip = try Command.check("gzip", ["-nc"], input: Self.tar).stdout
        let blob = try bench.source.add(gzip)
        let store = try bench.store()
        let plain = store.layer(blob, form: LayerForm(.tar), source: bench.source)
        let packed = store.layer(blob, form: LayerForm(.tar, .gzip), source: bench.source)
        guard case .unlistable? = try plain.listed() else {
            Issue.record("gzip is not tar")
            return
        }
        #expect(try packed.content() == nil)
        #expect(try packed.bytes("d/small") == Self.small)
    }

    @Test func aLayerThatIsNoTarStaysHopeless() throws {
        let garbage = try Command.check("gzip", ["-nc"], input: StoreFixture.noise(5000, seed: 3)).stdout
        let blob = try bench.source.add(garbage)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar, .gzip), source: bench.source)
        for _ in 0..<3 {
            guard case .unmountable? = try layer.content() else {
                Issue.record("noise is no tar")
                return
            }
        }
        // The layer's bytes match its digest, so fetching them again would not help.
        #expect(bench.source.moved == blob.size)
        #expect(try bench.files("partial").isEmpty && bench.files("layers").isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a small tmpfs"))
    func aFullDisk() throws {
        let place = try bench.directory.subdirectory("small")
        try Command.check("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", place])
        let store = try bench.store(place + "/cache")
        let big = try bench.source.add(Self.tar)
        let fits = try bench.source.add(StoreFixture.tar([("x", Self.small)]))
        // An uncompressed layer is known to be too large before a byte is fetched. A compressed one shows it only while
        // it is inflated.
        let layer = store.layer(big, form: LayerForm(.tar), source: bench.source)
        guard case .noSpace? = try layer.content() else {
            Issue.record("3 MiB do not fit 2 MiB")
            return
        }
        #expect(bench.source.moved < 20_000)
        let zeros = try Command.check(
            "gzip", ["-nc"], input: StoreFixture.tar([("z", [UInt8](repeating: 0, count: 8 << 20))])
        ).stdout
        let bomb = try bench.source.add(zeros)
        guard case .noSpace? = try store.layer(bomb, form: LayerForm(.tar, .gzip), source: bench.source).content()
        else {
            Issue.record("8 MiB do not fit 2 MiB")
            return
        }
        #expect(try Command.check("find", [place + "/cache", "-name", "stream"]).output.isEmpty)
        #expect(try store.layer(fits, form: LayerForm(.tar), source: bench.source).content() == nil)
        try Command.check("umount", ["-l", place])
    }
}
