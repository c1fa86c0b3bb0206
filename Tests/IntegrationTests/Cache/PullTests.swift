// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Layers that are fetched before anybody opens them.
@Suite struct PullTests {
    private let registry: DockerRegistry
    private let bench: CommandFixture
    /// The layers of the fixture plain-small that the commands choose by type.
    private static let model = "4529e69374591634aa30749d50981a5767fbaf5822bc2a668acea0c427cce0fd"
    private static let dataset = "dcaead6871080a35f4be80803b5a1d40059af16e32fd3b2cd2b1d5e7052495fa"

    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
    }

    private func pushed() throws -> String {
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "p:v1")
        try registry.resetRequests()
        return "\(registry.host)/p:v1"
    }

    /// A kit of one dataset layer of `count` bytes that do not repeat.
    private func large(_ count: Int) throws -> (reference: String, hex: String) {
        let layout = try bench.directory.subdirectory("large")
        var kit = KitBuilder(directory: layout)
        var tar = TarBuilder()
        var random = SplitMix64(seed: 5)
        let words = (0..<count / 8).map { _ in random.next() }
        tar.file("big", words.withUnsafeBytes { Array($0) })
        try kit.addLayer(kind: .dataset, path: "big", tar: tar.finish())
        let hexes = try kit.write(tag: "v1", package: "large").layerHexes
        try registry.push(layout: layout, tag: "v1", to: "large:v1")
        try registry.resetRequests()
        return ("\(registry.host)/large:v1", hexes[0])
    }

    /// The same kit, behind a proxy.
    private func behind(_ proxy: FaultProxy, _ reference: String) -> String {
        reference.replacing(registry.host, with: proxy.host)
    }

    private func visible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 10 } }

    @Test func aWholeKitThenNothingThenOffline() throws {
        let reference = try pushed()
        let first = try bench.run(["pull", reference])
        #expect(first.exitCode == 0 && first.output.isEmpty)
        // Into a pipe there are lines, and no cursor movements.
        #expect(visible(first.errorOutput), "\(first.errorOutput)")
        #expect(first.errorOutput.split(separator: "\n").count == 6, "\(first.errorOutput)")
        #expect(first.errorOutput.contains("5/5 layers") && first.errorOutput.contains("100%"))
        #expect(try registry.totalBlobBytes() > 2_300_000)
        try registry.resetRequests()
        #expect(try bench.run(["pull", reference, "--progress", "none"]).errorOutput.isEmpty)
        #expect(try registry.totalBlobBytes() == 0)
        registry.stop()
        let mount = try bench.mount(reference, "--offline")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        try mount.unmount()
    }

    @Test func aFilter() throws {
        let reference = try pushed()
        try bench.kitfs("pull", reference, "--filter", "model")
        #expect(try registry.bytesMoved(blob: Self.model) >= 2_099_200)
        #expect(try registry.bytesMoved(blob: Self.dataset) == 0)
        let warned = try bench.run(["pull", reference, "--filter", "docs:nowhere"])
        #expect(warned.exitCode == 0 && warned.errorOutput.contains("warning: the filter chooses nothing"))
    }

    @Test func twoAtOnceMoveEachLayerOnce() throws {
        let (reference, hex) = try large(12 << 20)
        let proxy = try FaultProxy(upstreamPort: registry.port)
        proxy.bytesPerSecond = 16 << 20
        let pulls = try (0..<2).map { _ in
            try BackgroundProcess(
                CommandFixture.executable, ["pull", behind(proxy, reference)], environment: bench.environment)
        }
        for pull in pulls { #expect(pull.waitForExit(timeout: 60) == 0, "\(pull.errorOutput)") }
        #expect(try registry.bytesMoved(blob: hex) <= (12 << 20) * 102 / 100)
    }

    @Test func anInterruptedOneGoesOn() throws {
        let (reference, hex) = try large(12 << 20)
        let proxy = try FaultProxy(upstreamPort: registry.port)
        proxy.bytesPerSecond = 6 << 20
        let pull = try BackgroundProcess(
            CommandFixture.executable, ["pull", behind(proxy, reference)], environment: bench.environment)
        try eventually(within: 20, "half has come") { proxy.downstreamBytes > 6 << 20 }
        pull.kill(signal: SIGINT)
        #expect(pull.waitForExit(timeout: 5) == 130)
        let lines = pull.errorOutput.split(separator: "\n")
        #expect(lines.count == 1 && lines[0].contains("interrupted"), "\(pull.errorOutput)")
        let before = proxy.downstreamBytes
        proxy.bytesPerSecond = nil
        try bench.kitfs("pull", behind(proxy, reference))
        #expect(proxy.downstreamBytes <= (12 << 20) * 11 / 10, "\(before), then \(proxy.downstreamBytes - before)")
        #expect(try registry.bytesMoved(blob: hex) > 0)
        let mount = try bench.mount(behind(proxy, reference), "--offline")
        #expect(try mount.read("big").count == 12 << 20)
        try mount.unmount()
    }

    @Test func failures() throws {
        let reference = try pushed()
        let port = try freePort()
        let unreachable = try bench.failure("pull", "127.0.0.1:\(port)/p:v1", "--timeout", "1")
        #expect(unreachable.code == 5 && unreachable.message.contains("127.0.0.1:\(port)"))
        #expect(try bench.failure("pull", "\(registry.host)/p:nope").code == 3)
        // The registry fails in the middle of a pull.
        let proxy = try FaultProxy(upstreamPort: registry.port)
        try bench.kitfs("inspect", behind(proxy, reference))
        proxy.cutAfter = 100_000
        let cut = try bench.failure("pull", behind(proxy, reference), "--timeout", "1", "--filter", "docs")
        #expect(cut.code == 0, "\(cut.message)")
        proxy.refusing = true
        let digest = "sha256:31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
        let gone = try bench.failure("pull", "\(proxy.host)/p@\(digest)", "--timeout", "1", "--filter", "model")
        #expect(gone.code == 5 && gone.message.contains(proxy.host), "\(gone)")
        try registry.flipByte(hex: Self.model, at: 1_000_000)
        let wrong = try bench.failure("pull", reference, "--filter", "model")
        #expect(wrong.code == 6 && wrong.message.contains(Self.model), "\(wrong)")
        #expect(try !bench.cachedFiles(below: "layers").contains { $0.contains(Self.model) })
    }

    @Test func prefetchBringsWhatItNamesAndNoMore() throws {
        let reference = try pushed()
        let mount = try bench.mount(reference, "--prefetch", "model")
        try eventually(within: 20, "the model is here") {
            try bench.kitfs("status", mount.path).contains(#/model +model/weights.* 100% +cached/#)
        }
        #expect(try registry.bytesMoved(blob: Self.model) >= 2_099_200)
        #expect(try registry.bytesMoved(blob: Self.dataset) == 0)
        try mount.unmount()
        let target = try bench.directory.subdirectory("m")
        #expect(try bench.failure("mount", reference, target, "--prefetch", "nonsense").code == 2)
    }

    @Test func valuesOfVerify() throws {
        let reference = "oci:\(Fixtures.layout("plain-small")):v1"
        let target = try bench.directory.subdirectory("m")
        for value in ["", "never", "before-read=model", "while-streaming=", "while-streaming=nonsense"] {
            let (code, message) = try bench.failure("mount", reference, target, "--verify", value)
            #expect(code == 2, "\(value): \(message)")
        }
        let mount = try bench.mount(reference, "--verify", "while-streaming=model", "--verify", "before-read")
        #expect(try bench.kitfs("status", mount.path).contains("verify while-streaming=model, before-read"))
        #expect(try mount.read("model/weights.safetensors").count > 2_000_000)
        try mount.unmount()
    }

    @Test func warnings() throws {
        let reference = try pushed()
        let target = try bench.directory.subdirectory("m")
        let streamed = try bench.run(
            ["mount", reference, target, "--plain-http", "--verify", "while-streaming"])
        #expect(streamed.exitCode == 0 && streamed.errorOutput.contains("warning: --verify while-streaming without"))
        try bench.kitfs("unmount", target)
        let verified = try bench.run(["mount", reference, target, "--plain-http"])
        #expect(verified.exitCode == 0 && verified.errorOutput.isEmpty)
        try bench.kitfs("unmount", target)
        // A layer over 4 GiB, of which nothing is fetched.
        let layout = try bench.directory.subdirectory("huge")
        var kit = KitBuilder(directory: layout)
        var tar = TarBuilder()
        tar.file("huge", [1])
        var layer = KitBuilder.Layer(.model, "huge", tar: tar.finish())
        layer.claimedSize = 5 << 30
        kit.add(layer)
        try kit.write(tag: "v1", package: "huge")
        let huge = try bench.run(["mount", "oci:\(layout):v1", target])
        #expect(huge.exitCode == 0)
        #expect(
            huge.errorOutput.contains("warning: the model layer at huge has 5GiB")
                && huge.errorOutput.contains("kitfs pull"), "\(huge.errorOutput)")
        try bench.kitfs("unmount", target)
        let streaming = try bench.run(["mount", "oci:\(layout):v1", target, "--verify", "while-streaming=model"])
        #expect(streaming.exitCode == 0 && !streaming.errorOutput.contains("5GiB"))
        try bench.kitfs("unmount", target)
    }
}
