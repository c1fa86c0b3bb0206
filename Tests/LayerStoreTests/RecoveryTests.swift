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

/// What interrupted processes and failing disks leave behind is completed, or dropped and fetched again.
@Suite struct RecoveryTests {
    private let bench: StoreFixture
    private static let content = StoreFixture.noise(3 << 20, seed: 61)
    private static let tar = StoreFixture.tar([("large", content), ("small", [7])])

    init() throws { bench = try StoreFixture() }

    /// Makes a whole layer, and moves it back to where it was before its commit.
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
        // Listing the layer again costs its headers.
        #expect(bench.source.moved - before <= (hasIndex ? 0 : 32 << 10))
        try eventually(within: 5, "it is committed") {
            try bench.files("partial").isEmpty && bench.files("layers").contains { $0.hasSuffix("/stream") }
        }
    }

    /// `cache verify` finds a wrong byte in a layer that a mount holds. The mount opens none of its files any more
    /// until it is fetched again, even while one of them is open.
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

    /// A state that a flipped bit made `good`, or a `good` state of another size: neither has a valid seal.
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

    /// A part that was fetched before is damaged. It is fetched again, and no reader sees an error.
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

    /// Wrong bytes from the source are an error, even if part of the layer was here before.
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
        // A new directory in the trash may belong to a process that is still deleting it.
        _ = try CacheDirectory(path: bench.path)
        #expect(try bench.files("trash") == [trash + "/new/state"])
    }

    /// The time of use is set at most once a minute while the layer is opened, and never by reads.
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
        // The time of use is also set when the last open file has closed, since the layer was in use until then.
        try use(after: 100)
        try eventually(within: 5, "the use is noted") { try age() < 30 }
        #expect(try bench.store().cache.storedLayers().map(\.lastUse)[0] > Int64(time(nil)) - 30)
    }

    /// A process that is stopped in the middle of an eviction is waited for, but not for ever.
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
