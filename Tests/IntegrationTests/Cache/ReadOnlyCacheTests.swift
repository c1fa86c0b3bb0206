// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Another user's cache, on a read-only mount, without network. A user who cannot write it mounts from it, lists it and
/// reads it.
@Suite(.enabled(if: geteuid() == 0, "only root can become another user")) struct ReadOnlyCacheTests {
    private let bench: CommandFixture
    private let registry: DockerRegistry
    private let reference: String
    private let content: [String: [UInt8]]
    private let filled: String
    private let shared: String
    private let user: UnprivilegedUser

    /// Three layers: plain, gzip, and a large one that comes last.
    init() throws {
        bench = try CommandFixture()
        registry = try DockerRegistry()
        var random = SplitMix64(seed: 63)
        var content: [String: [UInt8]] = [:]
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        for (kind, name, count, compression) in [
            (KitBuilder.Kind.model, "model", 200_000, nil), (.dataset, "data", 200_000, LayerCompression.gzip),
            (.docs, "late", 1_000_000, nil),
        ] {
            let words = (0..<count).map { _ in random.next() }
            let bytes = words.withUnsafeBytes { Array($0) }
            content["\(name)/large"] = bytes
            content["\(name)/small"] = Array(name.utf8)
            var tar = TarBuilder()
            tar.directory(name)
            tar.file("\(name)/large", bytes)
            tar.file("\(name)/small", Array(name.utf8))
            var layer = KitBuilder.Layer(kind, name, tar: tar.finish())
            layer.compression = compression
            kit.add(layer)
        }
        try kit.write(tag: "v1", package: "shared")
        self.content = content
        try registry.push(layout: layout, tag: "v1", to: "team/shared:v1")
        reference = "team/shared:v1"
        filled = bench.directory.path + "/filled"
        shared = try bench.directory.subdirectory("shared")
        user = try UnprivilegedUser(bench)
    }

    /// Makes the owner's cache available read-only.
    private func share() throws {
        #expect(chmod(filled, 0o755) == 0)
        try Command.check("mount", ["--bind", filled, shared])
        try Command.check("mount", ["-o", "remount,bind,ro", shared])
    }

    private func mounted(_ host: String) throws -> String {
        let target = user.home + "/m"
        #expect(try user.run(["mkdir", target]).exitCode == 0)
        let arguments = ["mount", "\(host)/\(reference)", target, "--offline", "--shared-cache", shared]
        let mounted = try user.run([user.kitfs] + bench.logged(arguments))
        #expect(mounted.exitCode == 0, "\(mounted.errorOutput)")
        return target
    }

    private func expectRead(_ target: String, _ layer: String) throws {
        #expect(try user.run(["ls", "\(target)/\(layer)"]).output == "large\nsmall\n")
        for (name, bytes) in content where name.hasPrefix(layer) {
            #expect(try user.run(["cat", "\(target)/\(name)"]).stdout == bytes, "\(name)")
        }
    }

    @Test func aFilledOne() throws {
        try bench.kitfs("pull", "\(registry.host)/\(reference)", "--cache", filled)
        try share()
        let asked = try registry.requests().count
        let target = try mounted(registry.host)
        for layer in ["model", "data", "late"] { try expectRead(target, layer) }
        #expect(try user.run([user.kitfs, "unmount", target]).exitCode == 0)
        #expect(try registry.requests().count == asked)
        // Nothing of the shared cache was copied.
        #expect(try Command.check("find", [user.home + "/.cache/kitfs/layers", "-type", "f"]).output.isEmpty)
    }

    /// Whole layers can be read while the owner fetches the others. Those can be read once they are whole, without a
    /// remount.
    @Test func whileItsOwnerFillsIt() throws {
        let proxy = try FaultProxy(upstreamPort: registry.port)
        defer { proxy.stop() }
        let host = proxy.host
        try bench.kitfs(
            "pull", "\(host)/\(reference)", "--cache", filled, "--filter", "model", "--filter", "datasets")
        proxy.bytesPerSecond = 1 << 20
        let filler = try BackgroundProcess(
            CommandFixture.executable, ["pull", "\(host)/\(reference)", "--cache", filled],
            environment: bench.environment)
        try eventually(within: 20, "it is being filled") {
            try !Command.run("find", [filled + "/partial", "-name", "state"]).output.isEmpty
        }
        try share()
        let target = try mounted(host)
        for layer in ["model", "data"] { try expectRead(target, layer) }
        #expect(filler.isRunning, "it was too fast for this test to show anything")
        proxy.bytesPerSecond = nil
        #expect(filler.waitForExit(timeout: 60) == 0, "\(filler.errorOutput)")
        try eventually(within: 10, "what came meanwhile is read") {
            try user.run(["cat", target + "/late/large"]).stdout == content["late/large"]
        }
        try expectRead(target, "late")
        #expect(try user.run([user.kitfs, "unmount", target]).exitCode == 0)
    }
}
