// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

/// Layers of every form that a media type can name: they are fetched, cached, opened again and resumed.
@Suite struct LayerFormTests {
    private let bench: StoreFixture

    init() throws { bench = try StoreFixture() }

    static let rawForms = [LayerForm(.raw), LayerForm(.raw, .gzip), LayerForm(.raw, .zstd)]
    static let sizes = [0, 1, (1 << 20) - 1, 1 << 20, (3 << 20) + 1]

    private static func encoded(_ content: [UInt8], _ form: LayerForm) throws -> [UInt8] {
        switch form.compression {
        case nil: content
        case .gzip: try Command.check("gzip", ["-nc", "-1"], input: content).stdout
        case .zstd: try Command.check("zstd", ["-qc", "-1"], input: content).stdout
        }
    }

    private func directory(_ blob: Descriptor, _ form: LayerForm) -> String {
        "\(bench.path)/layers/sha256-\(blob.digest.hex).\(form)"
    }

    /// Waits for the commit. Before it, reads come from the layer that is to be committed.
    private func committed() throws {
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
    }

    @Test(arguments: rawForms, sizes) func rawLayers(_ form: LayerForm, _ size: Int) throws {
        let content = StoreFixture.noise(size, seed: UInt64(size))
        let blob = try bench.source.add(Self.encoded(content, form))
        let layer = try bench.store().layer(blob, form: form, source: bench.source)
        #expect(try layer.listed() == nil)
        // The descriptor of an uncompressed raw layer is enough to list it.
        if form.compression == nil { #expect(bench.source.requests.isEmpty && layer.index?.isVerified == false) }
        #expect(try layer.content() == nil)
        #expect(layer.index?.isVerified == true && layer.index?.count == 1)
        #expect(try layer.bytes(".") == content)
        #expect(bench.source.moved == blob.size)
        try committed()
        // The content has a file of its own, for passthrough, and is a hole in the stream.
        let directory = directory(blob, form)
        #expect(try readFile("\(directory)/members/0") == content)
        #expect(try readFile("\(directory)/stream") == [UInt8](repeating: 0, count: size))

        let before = bench.source.moved
        let reopened = try bench.store().layer(blob, form: form, source: bench.source)
        #expect(try reopened.content() == nil)
        #expect(try reopened.bytes(".") == content)
        // The index is rebuilt from the cached bytes.
        try Command.check("rm", ["-r", bench.path + "/indexes"])
        try Command.check("mkdir", [bench.path + "/indexes"])
        let rebuilt = try bench.store().layer(blob, form: form, source: bench.source)
        #expect(try rebuilt.content() == nil)
        #expect(try rebuilt.bytes(".") == content)
        #expect(rebuilt.index?.hasSameEntries(as: try #require(layer.index)) == true)
        #expect(rebuilt.index?.contentDigest == DigestHasher.digest(of: content))
        #expect(bench.source.moved == before)
    }

    @Test(arguments: rawForms) func rawLayersResume(_ form: LayerForm) throws {
        let content = StoreFixture.noise((3 << 20) + 1, seed: 7)
        let blob = try bench.source.add(Self.encoded(content, form))
        bench.source.failAfter = 2_000_000
        guard case .source(.unreachable)? = try bench.store().layer(blob, form: form, source: bench.source).content()
        else {
            Issue.record("the fetch should have failed")
            return
        }
        #expect(try bench.files("layers").isEmpty)
        bench.source.failAfter = nil
        let layer = try bench.store().layer(blob, form: form, source: bench.source)
        #expect(try layer.content() == nil)
        #expect(try layer.bytes(".") == content)
        #expect(bench.source.moved < blob.size + 500_000)
        try committed()
        #expect(try !bench.files("layers").contains { $0.hasSuffix("/blob") })
    }

    @Test(arguments: rawForms) func wrongBytesOfARawLayer(_ form: LayerForm) throws {
        let encoded = try Self.encoded(StoreFixture.noise(500_000, seed: 9), form)
        let blob = try bench.source.add(encoded)
        var wrong = encoded
        wrong[300_000] ^= 1
        bench.source.replace(blob.digest, wrong)
        let layer = try bench.store().layer(blob, form: form, source: bench.source)
        // A wrong digest is reported before any error of the decompressor.
        guard case .digestMismatch? = try layer.content() else {
            Issue.record("it should not match")
            return
        }
        #expect(try layer.bytes(".") == nil)
        #expect(try bench.files("layers").isEmpty && bench.files("partial").isEmpty)
        bench.source.replace(blob.digest, encoded)
        #expect(try layer.content() == nil)
    }

    /// Blobs that match their digests but cannot be decompressed are unmountable, and nothing of them stays in the
    /// cache.
    @Test(arguments: [LayerForm(.raw, .gzip), LayerForm(.raw, .zstd), LayerForm(.tar, .zstd)])
    func damagedBeforeTheyWerePacked(_ form: LayerForm) throws {
        let whole = try Self.encoded(StoreFixture.noise(200_000, seed: 4), form)
        for bytes in [Array(whole.dropLast(9)), StoreFixture.noise(5000, seed: 5), []] {
            let blob = try bench.source.add(bytes)
            let layer = try bench.store().layer(blob, form: form, source: bench.source)
            guard case .unmountable? = try layer.content() else {
                Issue.record("\(bytes.count) bytes should be of no use")
                return
            }
            #expect(try bench.files("layers").isEmpty && bench.files("partial").isEmpty)
        }
    }

    @Test func zstdTars() throws {
        let large = StoreFixture.noise((2 << 20) + 3, seed: 1)
        let tar = StoreFixture.tar([("d/large", large), ("d/small", [1, 2]), ("d/empty", [])])
        let form = LayerForm(.tar, .zstd)
        let blob = try bench.source.add(Self.encoded(tar, form))
        bench.source.failAfter = 1_500_000
        #expect(try bench.store().layer(blob, form: form, source: bench.source).content() != nil)
        bench.source.failAfter = nil
        for _ in 0..<2 {
            let layer = try bench.store().layer(blob, form: form, source: bench.source)
            #expect(try layer.content() == nil)
            #expect(try layer.bytes("d/large") == large)
            #expect(try layer.bytes("d/small") == [1, 2])
            #expect(try layer.bytes("d/empty") == [])
            try committed()
        }
        #expect(bench.source.moved < blob.size + 500_000)
        #expect(try readFile("\(directory(blob, form))/members/512") == large)
    }

    /// One blob, declared as an archive in one kit and as a file in another, is two layers. Neither spoils the other.
    @Test func theSameBlobAsTarAndAsRaw() throws {
        let tar = StoreFixture.tar([("x", [1, 2, 3])])
        let blob = try bench.source.add(tar)
        let store = try bench.store()
        let archive = store.layer(blob, form: LayerForm(.tar), source: bench.source)
        let file = store.layer(blob, form: LayerForm(.raw), source: bench.source)
        #expect(try file.content() == nil)
        #expect(try archive.content() == nil)
        #expect(try archive.bytes("x") == [1, 2, 3] && archive.bytes(".") == nil)
        #expect(try file.bytes(".") == tar && file.bytes("x") == nil)
        try committed()
        let again = try bench.store()
        for (form, path, content) in [(LayerForm(.raw), ".", tar), (LayerForm(.tar), "x", [1, 2, 3])] {
            let layer = again.layer(blob, form: form, source: bench.source)
            #expect(try layer.content() == nil)
            #expect(try layer.bytes(path) == content)
        }
        #expect(try Command.check("ls", [bench.path + "/layers"]).output.split(separator: "\n").count == 2)
    }

    /// The blob is wrong as an archive and right as a file.
    @Test func aFileThatIsNoTar() throws {
        let content = StoreFixture.noise(3000, seed: 6)
        let blob = try bench.source.add(content)
        let store = try bench.store()
        let archive = store.layer(blob, form: LayerForm(.tar), source: bench.source)
        let file = store.layer(blob, form: LayerForm(.raw), source: bench.source)
        #expect(try archive.content() != nil)
        #expect(try file.content() == nil)
        #expect(try archive.content() != nil)
        #expect(try file.bytes(".") == content)
        #expect(archive.index == nil && file.index?.count == 1)
    }
}
