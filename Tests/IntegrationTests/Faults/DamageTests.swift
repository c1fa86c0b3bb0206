// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Wrong bytes, a registry that is gone, a killed daemon: reads give an error or the right bytes, and nothing else.
@Suite struct DamageTests {
    private static let model = "4529e69374591634aa30749d50981a5767fbaf5822bc2a668acea0c427cce0fd"
    private static let weights = "e8166786a5520baa3efbc3b28f1ff2e9aa223a6849120a0c98ece36051cc2856"

    private let registry: DockerRegistry
    private let bench: CommandFixture

    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
    }

    private func push(_ layout: String) throws -> String {
        try registry.push(layout: Fixtures.layout(layout), tag: "v1", to: "\(layout):v1")
        return "\(registry.host)/\(layout):v1"
    }

    @Test(arguments: [
        ("plain-small", model, 1_000_000),
        ("gzip", "18821b4d520ab7d1db7705d6ba9beef1c29050815e644afa45c32887695120aa", 9),
        ("gzip", "18821b4d520ab7d1db7705d6ba9beef1c29050815e644afa45c32887695120aa", 1_000_000),
    ])
    func aFlippedByteIsNeverServed(_ layout: String, _ layer: String, _ offset: Int) throws {
        let reference = try push(layout)
        try registry.flipByte(hex: layer, at: offset)
        let mount = try bench.mount(reference)
        // A compressed layer is fetched to be listed, and so the lookup fails already.
        #expect(mount.openError("model/weights.safetensors") == EIO)
        #expect(try bench.cachedFiles(below: "layers").isEmpty)
        #expect(try bench.cachedFiles(below: "partial").isEmpty)
        #expect(try bench.cachedFiles(below: "trash").isEmpty)
        let log = try mount.log()
        #expect(log.contains("should be sha256:\(layer)"))
        #expect(log.matches(of: #/its bytes are sha256:[0-9a-f]{64}/#).count >= 1)
        // Other layers work, and so does this one once the registry has the right bytes.
        #expect(try mount.read("README.md").count == 26)
        try registry.flipByte(hex: layer, at: offset)
        #expect(Sha256.hex(try mount.read("model/weights.safetensors")) == Self.weights)
        try mount.unmount()
    }

    @Test func withoutARegistryWhatIsCachedStillMounts() throws {
        let reference = try push("plain-small")
        let first = try bench.mount(reference)
        let tree = try TreeScan.scan(first.path)
        let digest = try #require(try first.extendedAttribute("", "user.kitfs.digest"))
        try first.unmount()
        registry.stop()
        let byDigest = try bench.mount(reference.replacing(":v1", with: "") + "@" + digest)
        #expect(try TreeScan.scan(byDigest.path) == tree)
        try byDigest.unmount()
        let byTag = try bench.mount(reference, "--offline")
        #expect(try TreeScan.scan(byTag.path) == tree)
        try byTag.unmount()
        let (code, message) = try bench.failure(
            "mount", reference, try bench.directory.subdirectory("m"), "--timeout", "2", timeout: 10)
        #expect(code == 5)
        #expect(message.contains(registry.host))
    }

    @Test func withoutARegistryWhatIsNotCachedFailsInBoundedTime() throws {
        let reference = try push("plain-small")
        let mount = try bench.mount(reference, "--timeout", "2")
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("weights"))
        registry.stop()
        let begin = monotonicSeconds()
        #expect(mount.openError("model/weights.safetensors") == EIO)
        #expect(monotonicSeconds() - begin < 20)
        // Operations that need no network continue, and the registry is used again once it is back.
        #expect(try mount.read("Kitfile").isEmpty == false)
        try registry.start()
        #expect(Sha256.hex(try mount.read("model/weights.safetensors")) == Self.weights)
        try mount.unmount()
        let (code, _) = try bench.failure(
            "inspect", "127.0.0.1:\(try freePort())/x:v1", "--timeout", "2", timeout: 10)
        #expect(code == 5)
    }

    /// The daemon is killed in the middle of a fetch, five times at different points. An incomplete layer never counts
    /// as whole, and bytes that were present are not fetched again.
    @Test(arguments: ["plain", "gzip"])
    func killedInTheMiddleOfAFetch(_ form: String) throws {
        var content = [UInt8](repeating: 0, count: 8 << 20)
        var random = SystemRandomNumberGenerator()
        content.withUnsafeMutableBytes { memory in
            for place in stride(from: 0, to: memory.count, by: 8) {
                memory.storeBytes(of: random.next() as UInt64, toByteOffset: place, as: UInt64.self)
            }
        }
        var tar = TarBuilder()
        tar.file("weights.bin", content)
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        try kit.addLayer(
            kind: .model, path: "weights.bin", tar: tar.finish(), compression: form == "gzip" ? .gzip : nil)
        let layer = try #require(try kit.write(tag: "v1", package: "big").layerHexes.first)
        try registry.push(layout: layout, tag: "v1", to: "big:v1")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        for _ in 0..<5 {
            // The line is slow enough that five rounds on a busy machine do not fetch all of the eight megabytes.
            proxy.bytesPerSecond = 6 << 20
            let mount = try bench.mount("\(proxy.host)/big:v1")
            let process = try mount.process()
            let before = proxy.downstreamBytes
            let reader = try BackgroundProcess("sha256sum", [mount.path + "/weights.bin"])
            try eventually(within: 20, "a part of the layer has moved") {
                proxy.downstreamBytes > before + (1 << 20) || !reader.isRunning
            }
            kill(process, SIGKILL)
            #expect(reader.waitForExit(timeout: 10) != nil)
            #expect(try bench.cachedFiles(below: "layers").isEmpty)
            try mount.unmount()
        }
        proxy.bytesPerSecond = nil
        let mount = try bench.mount("\(proxy.host)/big:v1")
        #expect(try mount.read("weights.bin") == content)
        #expect(proxy.downstreamBytes < (8 << 20) * (Sanitizer.isOn ? 3 : 2))
        try eventually(within: 10, "it is committed") {
            try bench.cachedFiles(below: "layers").contains { $0.contains(layer) }
        }
        try mount.unmount()
    }

    /// Each connection breaks after a part, and the fetch resumes at that point.
    @Test func aFetchResumesWhereItBroke() throws {
        _ = try push("plain-small")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        let mount = try bench.mount("\(proxy.host)/plain-small:v1")
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("weights"))
        proxy.cutAfter = 300_000
        let before = proxy.downstreamBytes
        #expect(Sha256.hex(try mount.read("model/weights.safetensors")) == Self.weights)
        #expect(proxy.downstreamBytes - before < 3_000_000)
        try mount.unmount()
    }

    /// A cached layer that was damaged between mounts is noticed if its size is wrong, and fetched again.
    @Test func aCutLayerIsFetchedAnew() throws {
        let reference = try push("plain-small")
        let first = try bench.mount(reference)
        #expect(try first.read("model/weights.safetensors").count == 2_097_152)
        #expect(try first.read("data/train/s0/p/f0.bin").count == 1000)
        try first.unmount()
        for file in try bench.cachedFiles(below: "layers") where file.hasSuffix("/stream") {
            try writeFile(file, [])
        }
        for file in try bench.cachedFiles(below: "indexes") { try writeFile(file, [1, 2, 3]) }
        let second = try bench.mount(reference)
        #expect(Sha256.hex(try second.read("model/weights.safetensors")) == Self.weights)
        expectTree(try TreeScan.scan(second.path), equals: try Fixtures.truth("plain-small"))
        try second.unmount()
    }
}
