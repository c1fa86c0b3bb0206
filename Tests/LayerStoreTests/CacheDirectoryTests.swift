// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import TestSupport
import Testing
import Threading

@testable import LayerCache
@testable import DurableFiles
@testable import LayerStore

@Suite struct CacheDirectoryTests {
    private let bench: StoreFixture

    init() throws { bench = try StoreFixture() }

    @Test func itsShape() throws {
        _ = try CacheDirectory(path: bench.path)
        let stat = try Command.check(
            "stat", ["-c", "%a %F", bench.path, bench.path + "/layers", bench.path + "/VERSION"])
        #expect(stat.output == "700 directory\n755 directory\n644 regular file\n")
        #expect(
            String(decoding: try readFile(bench.path + "/CACHEDIR.TAG"), as: UTF8.self).hasPrefix(
                "Signature: 8a477f597d28d172789f06886806bc55"))
    }

    /// Discards the directory that the caller saw, and not a new one of the same name.
    @Test func onlyWhatWasLookedAtIsDiscarded() throws {
        let cache = try CacheDirectory(path: bench.path)
        let first = try cache.layers.makeDirectory("a")
        try cache.discard("a", in: cache.layers)
        let second = try cache.layers.makeDirectory("a")
        try cache.discard("a", in: cache.layers, ifStill: first)
        #expect(try cache.layers.names() == ["a"])
        try cache.discard("a", in: cache.layers, ifStill: second)
        #expect(try cache.layers.names() == [] && cache.trash.names() == [])
        try cache.discard("a", in: cache.layers, ifStill: second)
    }

    @Test func anotherVersionIsRefused() throws {
        _ = try CacheDirectory(path: bench.path)
        try writeFile(bench.path + "/VERSION", Array("2\n".utf8))
        #expect(throws: StoreError.self) { try CacheDirectory(path: bench.path) }
    }

    /// Eight threads create the same cache at once, as commands may on a new machine.
    @Test func manyMakeItAtOnce() throws {
        for round in 0..<20 {
            let path = bench.directory.path + "/new-\(round)"
            let makers = WorkerPool(limit: 8)
            let failed = Failed()
            for _ in 0..<8 {
                makers.submit {
                    do { _ = try CacheDirectory(path: path) } catch { failed.add("\(error)") }
                }
            }
            makers.waitUntilIdle()
            #expect(failed.all.isEmpty, "\(failed.all.first ?? "")")
        }
    }

    @Test func aPlaceThatCannotBe() throws {
        try writeFile(bench.directory.path + "/file", [])
        #expect(throws: StoreError.self) { try CacheDirectory(path: bench.directory.path + "/file/cache") }
        #expect(throws: StoreError.self) { try CacheDirectory(path: "/proc/kitfs") }
    }

    /// Partial layers of an earlier boot may lack bytes that were never synced.
    @Test func partialLayersOfAnotherBootAreDropped() throws {
        _ = try CacheDirectory(path: bench.path)
        let old = bench.path + "/partial/00000000-0000-0000-0000-000000000000"
        try Command.check("mkdir", ["-p", old + "/x"])
        _ = try CacheDirectory(path: bench.path)
        #expect(try Command.run("test", ["-e", old]).exitCode != 0)
    }

    @Test func aDamagedManifestIsNotUsed() throws {
        let cache = try CacheDirectory(path: bench.path)
        let bytes = Array("{}".utf8)
        let digest = DigestHasher.digest(of: bytes)
        #expect(cache.blob(digest) == nil)
        try cache.saveBlob(digest, bytes)
        #expect(cache.blob(digest) == bytes)
        try writeFile("\(bench.path)/blobs/sha256/\(digest.hex)", Array("{ }".utf8))
        #expect(cache.blob(digest) == nil)
    }

    @Test func tagsAreRemembered() throws {
        let cache = try CacheDirectory(path: bench.path)
        let digest = DigestHasher.digest(of: [1])
        for text in ["h.example:5000/a/b:v1", "h.example:5000/a/b:v2", "h.example:5000/a:v1", "[::1]:5/a:_x"] {
            let reference = try Reference(parsing: text)
            #expect(cache.tagRecord(of: reference) == nil)
            try cache.saveTagRecord(reference, digest)
            #expect(cache.tagRecord(of: reference)?.digest == digest)
        }
        try writeFile(bench.path + "/refs/h.example:5000/a/_tags/v1", Array("{".utf8))
        #expect(cache.tagRecord(of: try Reference(parsing: "h.example:5000/a:v1")) == nil)
    }

    @Test func pruneKeepsWhatIsInUse() throws {
        let blob = try bench.source.add(StoreFixture.tar([("x", [1, 2, 3])]))
        var store: LayerStore? = try bench.store()
        #expect(try store?.layer(blob, form: LayerForm(.tar), source: bench.source).content() == nil)
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
        let cache = try CacheDirectory(path: bench.path)
        #expect(try cache.storedLayers().map(\.isInUse) == [true])
        #expect(try cache.prune(.all) == .init(layers: 0, freed: 0, kept: 1))
        store?.shutDown()
        store = nil
        // The transfer's clock may still hold the layer for its last tick.
        try eventually(within: 5, "it is let go") { try cache.storedLayers().map(\.isInUse) == [false] }
        #expect(try cache.prune(.all).layers == 1)
        #expect(try cache.storedLayers().isEmpty)
    }
}

/// The errors of other threads.
private final class Failed: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
}
