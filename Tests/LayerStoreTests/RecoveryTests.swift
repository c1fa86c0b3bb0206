// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

/// What processes leave that ended in the middle of something, and what disks forget: completed, or dropped and fetched
/// anew.
@Suite struct RecoveryTests {
    private let bench: StoreFixture
    private static let content = StoreFixture.noise(3 << 20, seed: 61)
    private static let tar = StoreFixture.tar([("large", content), ("small", [7])])

    init() throws { bench = try StoreFixture() }

    /// A whole layer, back where it was before its commit.
    private func uncommitted(_ form: LayerForm) throws -> Descriptor {
        let blob = form.compression == nil ? try bench.source.add(Self.tar) : try bench.gzip(Self.tar)
        let store = try bench.store()
        #expect(try store.layer(blob, form: form, source: bench.source).content() == nil)
        store.shutDown()
        try Command.check("sh", ["-c", "mv \(bench.path)/layers/* \(bench.path)/partial/*/"])
        return blob
    }

    @Test(arguments: [LayerForm(.tar), LayerForm(.tar, .gzip)], [true, false])
    func goodAndNotCommitted(_ form: LayerForm, _ hasIndex: Bool) throws {
        let blob = try uncommitted(form)
        if !hasIndex { try Command.check("sh", ["-c", "rm \(bench.path)/indexes/*"]) }
        let before = bench.source.moved
        let layer = try bench.store().layer(blob, form: form, source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("large") == Self.content)
        // Listing it anew costs headers.
        #expect(bench.source.moved - before <= (hasIndex ? 0 : 32 << 10))
        try eventually(within: 5, "it is committed") {
            try bench.files("partial").isEmpty && bench.files("layers").contains { $0.hasSuffix("/stream") }
        }
    }

    /// `cache verify` finds a byte of it wrong, while a mount holds it: nothing more of it is opened, also while a file of
    /// it is.
    @Test(arguments: [true, false]) func foundToBeDamagedWhileMounted(_ hasOpenFile: Bool) throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.listed(bench.store(), blob)
        #expect(try layer.content() == nil)
        let small = try #require(try layer.index?.number(at: EntryPath(parsing: Array("small".utf8))))
        guard case .file(let content)? = layer.index?.entry(small)?.kind else { throw TestSupportError("no file") }
        let open = hasOpenFile ? try layer.openFile(content: content) : nil
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
        let file = try #require(try bench.files("layers").first { $0.hasSuffix("/stream") })
        var bytes = try readFile(file)
        bytes[Int(content.start)] ^= 1
        try writeFile(file, bytes)
        let cache = try CacheDirectory(path: bench.path, .look)
        #expect(try cache.verify { _, _, _ in }.dropped.count == 1)
        #expect(try layer.bytes("small") == nil)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("small") == [7] && layer.bytes("large") == Self.content)
        withExtendedLifetime(open) {}
    }

    /// `filling` that became `good` by a flip, or `good` with another size: neither has the seal.
    @Test(arguments: [12, 16, 24, 768, 800]) func aBrokenSeal(_ place: Int) throws {
        let blob = try uncommitted(LayerForm(.tar))
        let state = try #require(try bench.files("partial").first { $0.hasSuffix("/state") })
        var bytes = try readFile(state)
        if place == 12 { for other in 800..<832 { bytes[other] = 0 } } else { bytes[place] ^= 4 }
        try writeFile(state, bytes)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("large") == Self.content && layer.bytes("small") == [7])
    }

    /// The part that was here before is not what it was: what is fetched once more is right, and nobody sees an error.
    @Test(arguments: [true, false]) func aPartThatWasSpoiled(_ isCut: Bool) throws {
        let blob = try bench.source.add(Self.tar)
        bench.source.failAfter = 2_000_000
        let first = try bench.store()
        #expect(try first.layer(blob, form: LayerForm(.tar), source: bench.source).content() != nil)
        first.shutDown()
        bench.source.failAfter = nil
        let member = try #require(try bench.files("partial").first { $0.contains("/members/") })
        var bytes = try readFile(member)
        bytes[1000] ^= 1
        try writeFile(member, isCut ? Array(bytes.prefix(500_000)) : bytes)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        let error = try layer.content()
        #expect(error == nil, "\(String(describing: error))")
        #expect(try layer.bytes("large") == Self.content)
    }

    /// Wrong bytes of the source are an error, also when there was a part of them here before.
    @Test func aSourceThatStaysWrong() throws {
        let blob = try bench.source.add(Self.tar)
        var wrong = Self.tar
        wrong[1_000_000] ^= 1
        bench.source.replace(blob.digest, wrong)
        bench.source.failAfter = 2_000_000
        let first = try bench.store()
        #expect(try first.layer(blob, form: LayerForm(.tar), source: bench.source).content() != nil)
        first.shutDown()
        bench.source.failAfter = nil
        let before = bench.source.moved
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        guard case .digestMismatch = try layer.content() else {
            Issue.record("no mismatch")
            return
        }
        #expect(bench.source.moved - before < 2 * blob.size)
    }

    @Test func theTrashOfTheDead() throws {
        _ = try CacheDirectory(path: bench.path)
        let trash = bench.path + "/trash"
        try Command.check("sh", ["-c", "cd \(trash) && mkdir old new && touch old/state new/state file"])
        try Command.check("touch", ["-d", "5 minutes ago", trash + "/old", trash + "/file"])
        _ = try CacheDirectory(path: bench.path, .look)
        #expect(try bench.files("trash").count == 3)
        // What is new may be somebody's who is at it.
        _ = try CacheDirectory(path: bench.path)
        #expect(try bench.files("trash") == [trash + "/new/state"])
    }

    /// A time a minute for all who open, none for those who read.
    @Test func useTimes() throws {
        let blob = try bench.source.add(Self.tar)
        let layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
        let state = try #require(try bench.files("layers").first { $0.hasSuffix("/state") })
        func use(after seconds: Int) throws {
            try Command.check("touch", ["-d", "\(seconds) seconds ago", state])
            for _ in 0..<3 { #expect(try layer.bytes("small") == [7]) }
        }
        func age() throws -> Int {
            let modified = try Command.check("stat", ["-c", "%Y", state]).output.prefix { $0.isNumber }
            return time(nil) - (Int(modified) ?? 0)
        }
        try use(after: 40)
        IdleLayers.shared.releaseAll()
        #expect(try age() >= 40)
        // It is noted when the last one has closed, too: what was open for long was used for long.
        try use(after: 100)
        try eventually(within: 5, "the use is noted") { try age() < 30 }
        #expect(try bench.store().cache.storedLayers().map(\.lastUse)[0] > Int64(time(nil)) - 30)
    }

    /// One who takes a layer away and is stopped in the middle of it is waited for, but not for ever.
    @Test func anEvictionThatIsStopped() throws {
        let blob = try bench.source.add(Self.tar)
        bench.source.failAfter = 1_000_000
        let first = try bench.store()
        #expect(try first.layer(blob, form: LayerForm(.tar), source: bench.source).content() != nil)
        first.shutDown()
        bench.source.failAfter = nil
        let key = LayerKey(digest: blob.digest, form: LayerForm(.tar))
        let cache = try CacheDirectory(path: bench.path)
        let stopped = try #require(
            try StateFile.open(in: cache.partial.directory(key.description), key: key))
        #expect(try stopped.claimAlone())
        let store = try bench.store(timeouts: StoreTimeouts(holder: .milliseconds(300)))
        let layer = store.layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes("large") == Self.content)
        withExtendedLifetime(stopped) {}
    }
}
