// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// One cache for many mounts: they fill it at the same time, or only read a filled one.
@Suite struct SharingTests {
    private let bench: CommandFixture
    private let registry: DockerRegistry
    private let reference: String
    private let blobs: [String]
    private let files: [String: [UInt8]]

    /// Two layers of some MiB, plain and gzip.
    init() throws {
        bench = try CommandFixture()
        registry = try DockerRegistry()
        var random = SplitMix64(seed: 6)
        var files: [String: [UInt8]] = [:]
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        for (kind, name, compression) in [
            (KitBuilder.Kind.model, "model", nil), (.dataset, "data", LayerCompression.gzip),
        ] {
            var tar = TarBuilder()
            tar.directory(name)
            for number in 0..<4 {
                let content = Self.content(600_000 * number + 100_000, &random)
                files["\(name)/f\(number)"] = content
                tar.file("\(name)/f\(number)", content)
            }
            var layer = KitBuilder.Layer(kind, name, tar: tar.finish())
            layer.compression = compression
            kit.add(layer)
        }
        blobs = try kit.write(tag: "v1", package: "shared").layerHexes
        self.files = files
        try registry.push(layout: layout, tag: "v1", to: "team/shared:v1")
        reference = "\(registry.host)/team/shared:v1"
    }

    /// Noise: a random block that is repeated, each time with another number before it.
    private static func content(_ count: Int, _ random: inout SplitMix64) -> [UInt8] {
        let block = (0..<32_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        var content: [UInt8] = []
        while content.count < count { content += withUnsafeBytes(of: content.count) { Array($0) } + block }
        return content
    }

    private func moved() throws -> [Int] { try blobs.map { try registry.bytesMoved(blob: $0) } }

    /// Eight processes mount the kit on an empty cache. Each byte is fetched once.
    @Test(arguments: [[], ["--verify", "while-streaming"]]) func eightMountsAtOnce(_ options: [String]) throws {
        let mounts = try (0..<8).map { _ in try bench.mount(reference, options) }
        let readers = try mounts.map { mount in
            try BackgroundProcess("sh", ["-c", "cd \(mount.path) && sha256sum model/* data/*"])
        }
        let expected = files.sorted {
            ($0.key.hasPrefix("data") ? 1 : 0, $0.key) < ($1.key.hasPrefix("data") ? 1 : 0, $1.key)
        }
        .map { "\(Sha256.hex($0.value))  \($0.key)\n" }.joined()
        for reader in readers {
            #expect(reader.waitForExit(timeout: 60) == 0)
            #expect(reader.output == expected)
        }
        let sizes = try blobs.map { hex in
            try bench.kitfs("inspect", "--json", reference).contains(hex)
                ? Int(readFile("\(bench.directory.path)/layout/blobs/sha256/\(hex)").count) : 0
        }
        for (moved, size) in zip(try moved(), sizes) {
            // Headers are fetched before the layer is.
            #expect(moved >= size && moved <= size + size / 50 + (64 << 10), "\(moved) of \(size)")
        }
        for mount in mounts { try mount.unmount() }
        #expect(try bench.kitfs("cache", "verify").contains("0 dropped"))
    }

    /// A layer that is pruned while it is read is fetched again, and no read fails.
    @Test func pruneWhileReading() throws {
        let mount = try bench.mount(reference)
        for round in 0..<6 {
            let pruner = try BackgroundProcess(
                "sh", ["-c", "for i in 1 2 3 4 5 6 7 8; do \(CommandFixture.executable) cache prune --all; done"],
                environment: bench.environment)
            for (name, content) in files { #expect(try mount.read(name) == content, "\(name), round \(round)") }
            #expect(pruner.waitForExit(timeout: 60) == 0)
        }
        // The last prune may have come after the last read.
        for (name, content) in files { #expect(try mount.read(name) == content, "\(name)") }
        try mount.unmount()
        #expect(try bench.kitfs("cache", "prune", "--all").hasPrefix("2 layers deleted"))
        #expect(try Command.run("find", [bench.cache + "/trash", "-mindepth", "1"]).output.isEmpty)
    }

    /// A cache that `--cache` names is complete without the machine's own cache, which may be absent where it is used.
    @Test(.enabled(if: geteuid() == 0, "only root has a mount namespace with a /var/cache of its own"))
    func aNamedCacheIsFilledForOthers() throws {
        let named = bench.directory.path + "/named"
        let commands = """
            mount -t tmpfs tmpfs /var/cache
            "$0" pull "$1"
            "$0" pull "$1" --cache "$2"
            """
        try Command.check(
            "unshare", ["-m", "sh", "-ec", commands, CommandFixture.executable, reference, named],
            environment: ["KITFS_CACHE": "/var/cache/kitfs", "HOME": bench.directory.path])
        let mount = try bench.mount(reference, "--offline", "--cache", named)
        for (name, content) in files { #expect(try mount.read(name) == content, "\(name)") }
        try mount.unmount()
    }

    /// A flipped byte, a truncated file or a deleted one is found, and the layer is dropped and fetched again.
    @Test(arguments: ["printf X | dd of=FILE bs=1 seek=70 conv=notrunc", "truncate -s 300 FILE", "rm FILE"])
    func whatTheDiskForgot(_ damage: String) throws {
        try bench.kitfs("pull", reference)
        let stored = try bench.cachedFiles(below: "layers")
        // Each kind of damage is done to half of the files.
        for file in stored.enumerated().filter({ $0.offset % 2 == damage.utf8.count % 2 }).map(\.element) {
            let line = damage.replacing("FILE", with: "'\(file)'") + " 2>/dev/null"
            try Command.check("sh", ["-c", line])
            let verified = try bench.run(["cache", "verify"])
            #expect(verified.exitCode == 1 && verified.output.contains("1 dropped"), "\(file): \(verified.output)")
            let mount = try bench.mount(reference)
            for (name, content) in files { #expect(try mount.read(name) == content, "\(name) after \(file)") }
            try mount.unmount()
            try eventually(within: 10, "it is stored again") {
                try bench.cachedFiles(below: "layers").count == stored.count
            }
        }
        #expect(try bench.kitfs("cache", "verify").contains("0 dropped"))
    }
}
