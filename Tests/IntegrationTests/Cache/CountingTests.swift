// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// How many bytes are fetched, and when, counted at the registry.
@Suite struct CountingTests {
    /// The layers of the fixture plain-small.
    private enum PlainSmall {
        static let model = "4529e69374591634aa30749d50981a5767fbaf5822bc2a668acea0c427cce0fd"
        static let dataset = "dcaead6871080a35f4be80803b5a1d40059af16e32fd3b2cd2b1d5e7052495fa"
        static let datasetSize = 229_376
        static let config = "7bf50efeed5a49b40272984092615b5873e2f9db3f9b1de76a2225bde23850fe"
        static let layers = [
            model, dataset, "c5fe43f570b1cd58f11b169a2728afe556f15235097a5a4044367422a4587304",
            "bee4080d8620e56b011576186eedce31ca6a588f0722bb1589582c840792c182",
            "9af37319cca8002e8d3de66e994a5b94aec1fafb51375eb6f02743c6cbf3a404",
        ]
    }

    private let registry: DockerRegistry
    private let bench: CommandFixture

    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
    }

    private func push(_ layout: String, _ tag: String) throws -> String {
        try registry.push(layout: Fixtures.layout(layout), tag: tag, to: "\(layout):\(tag)")
        try registry.resetRequests()
        return "\(registry.host)/\(layout):\(tag)"
    }

    @Test func mountAndInspectMoveManifestAndConfigOnly() throws {
        let reference = try push("plain-small", "v1")
        try bench.kitfs("inspect", reference)
        let inspected = try registry.requests()
        #expect(inspected.map(\.status) == [200, 200])
        #expect(inspected[0].uri.hasSuffix("/manifests/v1"))
        #expect(inspected[1].blobHex == PlainSmall.config)
        try registry.resetRequests()
        // The config is cached by now. A tag is resolved again for each mount.
        let mount = try bench.mount(reference)
        #expect(try registry.requests().map(\.uri) == ["/v2/plain-small/manifests/v1"])
        try mount.unmount()
    }

    @Test func listingAPlainKitMovesHeaders() throws {
        // 8 files of 256 KiB and one of 1 MiB: 3.1 MB of layers.
        let reference = try push("sharing", "v1")
        let mount = try bench.mount(reference)
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("shard-7.parquet"))
        let moved = try registry.totalBlobBytes()
        #expect(moved > 9 * 512)
        #expect(moved < 64 << 10)
        try registry.resetRequests()
        #expect(try Command.check("find", [mount.path]).output.contains("model.onnx"))
        try mount.unmount()
        let again = try bench.mount(reference)
        #expect(try Command.check("ls", ["-lR", again.path]).output.contains("shard-7.parquet"))
        #expect(try registry.totalBlobBytes() == 0)
        try again.unmount()
    }

    @Test func firstOpenMovesItsLayerOnceAndNoOther() throws {
        let reference = try push("plain-small", "v1")
        let mount = try bench.mount(reference)
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("f0.bin"))
        try registry.resetRequests()
        #expect(try mount.read("data/train/s0/p/f0.bin").count == 1000)
        #expect(try registry.bytesMoved(blob: PlainSmall.dataset) == PlainSmall.datasetSize)
        #expect(try registry.totalBlobBytes() == PlainSmall.datasetSize)
        // A second open, in this mount and in another.
        try registry.resetRequests()
        #expect(try mount.read("data/valid/s1/q/f0.bin").count == 19_563)
        let second = try bench.mount(reference)
        #expect(try second.read("data/train/s0/p/f0.bin") == mount.read("data/train/s0/p/f0.bin"))
        #expect(try registry.totalBlobBytes() == 0)
        try mount.unmount()
        try second.unmount()
        let third = try bench.mount(reference)
        #expect(try third.read("data/train/s0/p/f0.bin").count == 1000)
        #expect(try registry.totalBlobBytes() == 0)
        try third.unmount()
    }

    @Test func aSharedLayerMovesOnceForBothKits() throws {
        let dataset = "df12fabbfb5b631d3bd9f578a3162cb09b887e8e902171a127f16f1b3299f0fe"
        let first = try bench.mount(try push("sharing", "v1"))
        #expect(try first.read("data/shard-3.parquet").count == 262_144)
        #expect(try registry.bytesMoved(blob: dataset) >= 2_102_784)
        let second = try bench.mount(try push("sharing", "v2"))
        #expect(try second.read("data/shard-5.parquet").count == 262_144)
        #expect(try registry.bytesMoved(blob: dataset) == 0)
        #expect(try second.read("model/model.onnx") != first.read("model/model.onnx"))
        try first.unmount()
        try second.unmount()
    }

    /// 16 processes open a file that nobody has cached at the same time. There is one fetch, and all get the right
    /// bytes.
    @Test func manyOpenersFetchOnce() throws {
        let reference = try push("gzip", "v1")
        let model = "18821b4d520ab7d1db7705d6ba9beef1c29050815e644afa45c32887695120aa"
        let mounts = try (0..<2).map { _ in try bench.mount(reference) }
        let readers = try (0..<16).map { number in
            try BackgroundProcess("sha256sum", [mounts[number % 2].path + "/model/weights.safetensors"])
        }
        for reader in readers {
            #expect(reader.waitForExit(timeout: 30) == 0)
            #expect(reader.output.hasPrefix("e8166786a5520baa3efbc3b28f1ff2e9aa223a6849120a0c98ece36051cc2856"))
        }
        // The blob, and before it the head and the trailer, which are fetched to list it.
        #expect(try registry.bytesMoved(blob: model) == 2_098_430 + 8192 + 4)
        for mount in mounts { try mount.unmount() }
    }

    @Test func aReferenceByDigestAsksForNoTagOnceItIsCached() throws {
        _ = try push("plain-small", "v1")
        let digest = "sha256:31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
        let reference = "\(registry.host)/plain-small@\(digest)"
        try bench.kitfs("inspect", reference)
        #expect(try registry.requests().map(\.uri).first == "/v2/plain-small/manifests/\(digest)")
        try registry.resetRequests()
        let mount = try bench.mount(reference)
        #expect(try registry.requests() == [])
        #expect(try mount.extendedAttribute("", "user.kitfs.digest") == digest)
        try mount.unmount()
    }
}
