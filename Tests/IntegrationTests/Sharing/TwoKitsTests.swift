// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Two kits that share a layer.
@Suite struct TwoKitsTests {
    private let bench: CommandFixture
    private let registry: DockerRegistry
    private let shared: [UInt8]
    private let sharedHex: String
    private static let names = ["one", "two"]

    init() throws {
        bench = try CommandFixture()
        registry = try DockerRegistry()
        var random = SplitMix64(seed: 62)
        let words = (0..<1 << 20).map { _ in random.next() }
        shared = words.withUnsafeBytes { Array($0) }
        var hex = ""
        for name in Self.names {
            let layout = try bench.directory.subdirectory(name)
            var kit = KitBuilder(directory: layout)
            kit.add(.init(.model, "own", raw: Array(name.utf8)))
            kit.add(.init(.dataset, "shared", raw: shared))
            hex = try kit.write(tag: "v1", package: name).layerHexes[1]
            try registry.push(layout: layout, tag: "v1", to: "\(name):v1")
        }
        sharedHex = hex
        try registry.resetRequests()
    }

    @Test func pulledAtTheSameTimeItMovesOnce() throws {
        let proxy = try FaultProxy(upstreamPort: registry.port)
        defer { proxy.stop() }
        proxy.bytesPerSecond = 8 << 20
        let pulls = try Self.names.map {
            try BackgroundProcess(
                CommandFixture.executable, ["pull", "\(proxy.host)/\($0):v1"], environment: bench.environment)
        }
        for pull in pulls { #expect(pull.waitForExit(timeout: 60) == 0, "\(pull.errorOutput)") }
        let moved = try registry.bytesMoved(blob: sharedHex)
        #expect(moved >= shared.count && moved <= shared.count * 102 / 100, "\(moved) of \(shared.count)")
    }

    @Test func prunedWhileBothAreRead() throws {
        let mounts = try Self.names.map { try bench.mount("\(registry.host)/\($0):v1", "--verify", "before-read") }
        let pruner = try BackgroundProcess(
            "sh", ["-c", "while \(CommandFixture.executable) cache prune --all; do :; done"],
            environment: bench.environment)
        let truth = bench.directory.path + "/truth"
        try writeFile(truth, shared)
        let readers = try mounts.map { mount in
            try BackgroundProcess(
                "sh", ["-c", "for i in $(seq 30); do cmp \(mount.path)/shared \(truth) || exit 1; done"])
        }
        for reader in readers {
            #expect(reader.waitForExit(timeout: 120) == 0, "\(reader.output)\(reader.errorOutput)")
        }
        #expect(pruner.isRunning)
        for (mount, name) in zip(mounts, Self.names) { #expect(try mount.read("own") == Array(name.utf8)) }
        pruner.terminate()
        for mount in mounts { try mount.unmount() }
    }
}
