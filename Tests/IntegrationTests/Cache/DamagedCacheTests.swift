// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Between mounts, a bit of each file of a cache is flipped, or the file is truncated or deleted. `cache verify` finds
/// damage in `layers/`. No mount serves wrong bytes or crashes because of the damage. A soak tries each file, other
/// runs some.
@Suite struct DamagedCacheTests {
    private let bench: CommandFixture
    private let reference: String
    private let template: String
    private let files: [String: [UInt8]]
    private static let isSoak = getenv("KITFS_SOAK") != nil

    enum Damage: String, CaseIterable { case flip, cut, delete }

    /// Whole layers, plain, gzip and raw, with large members and small ones, and two that were read in part.
    init() throws {
        bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        var random = SplitMix64(seed: 67)
        var files: [String: [UInt8]] = [:]
        for (kind, name, compression) in [
            (KitBuilder.Kind.model, "plain", nil), (.dataset, "gzip", LayerCompression.gzip),
            (.dataset, "half-plain", nil), (.code, "half-gzip", .gzip),
        ] {
            let tree = NoiseTree(kind, name, large: 1_200_000, compression: compression, &random)
            files.merge(tree.files) { $1 }
            kit.add(tree.layer)
        }
        files["README.md"] = [1, 2, 3]
        kit.add(.init(.docs, "README.md", raw: [1, 2, 3]))
        try kit.write(tag: "v1", package: "damaged")
        self.files = files
        reference = "oci:\(layout):v1"
        template = bench.cache
        let mount = try bench.mount(reference, "--verify", "while-streaming")
        for name in ["plain/large", "gzip/small", "README.md"] { #expect(try mount.read(name) == files[name]) }
        for name in ["half-plain/large", "half-gzip/large"] {
            try Command.check("dd", ["if=\(mount.path)/\(name)", "of=/dev/null", "bs=4k", "skip=200", "count=1"])
        }
        for name in ["plain/large", "plain/small"] { #expect(try mount.read(name) == files[name]) }
        try mount.unmount()
        try bench.kitfs("pull", reference, "--filter", "model", "--filter", "docs", "--filter", "datasets:gzip")
    }

    @Test func eachFile() throws {
        let all = try Command.check("find", [template, "-type", "f", "-printf", "%P\\n"]).output
            .split(separator: "\n").map(String.init).sorted()
        #expect(all.contains { $0.hasPrefix("layers/") } && all.contains { $0.hasPrefix("partial/") }, "\(all)")
        #expect(all.contains { $0.hasPrefix("indexes/") } && all.contains { $0.hasPrefix("blobs/") }, "\(all)")
        let cases = all.flatMap { file in Damage.allCases.map { (file, $0) } }
        for (file, damage) in Self.isSoak ? cases : Array(cases.shuffled().prefix(3)) {
            let isEmpty = damage == .flip && file.hasSuffix(".raw/stream")
            if file.hasPrefix("layers/"), !isEmpty {
                try use(damaging: file, damage)
                let verified = try bench.run(["cache", "verify"])
                #expect(
                    verified.exitCode == 1 && verified.output.contains("1 dropped"),
                    "\(damage) of \(file): \(verified.output)")
                try expectRight("\(damage) of \(file), verified")
            }
            // `cache verify` hashes the content, and a mount does not. So a mount notices a truncated or deleted file,
            // but not a flipped bit.
            let isContent = file.hasPrefix("layers/") && !file.hasSuffix("/state")
            if isContent, damage == .flip { continue }
            try use(damaging: file, damage)
            try expectRight("\(damage) of \(file)")
        }
    }

    private func use(damaging file: String, _ damage: Damage) throws {
        let cache = bench.directory.path + "/copy"
        try Command.check("rm", ["-rf", cache])
        try Command.check("cp", ["-a", template, cache])
        bench.environment["KITFS_CACHE"] = cache
        let path = cache + "/" + file
        var bytes = try readFile(path)
        switch damage {
        case .delete: #expect(unlink(path) == 0)
        case .cut: #expect(truncate(path, bytes.count / 2) == 0)
        case .flip where bytes.isEmpty: break
        case .flip:
            // Heartbeats mean nothing to the next process, and a member with its own file is not read from the stream.
            let places =
                file.hasSuffix("/state")
                ? Array(0..<100) + Array(768..<832) + Array(1024..<bytes.count)
                : bytes.indices.filter { !file.hasSuffix("/stream") || bytes[$0] != 0 }
            guard let place = places.randomElement() else { return }
            bytes[place] ^= 1 << UInt8.random(in: 0..<8)
            try writeFile(path, bytes)
            print("flipped byte \(place) of \(file)")
        }
    }

    /// Mounts, and expects right bytes. Only a cache whose VERSION file is damaged may refuse the mount.
    private func expectRight(_ what: String) throws {
        let target = try bench.directory.subdirectory("m-\(UInt64.random(in: 0 ... .max))")
        let mounted = try bench.run(["mount", reference, target])
        guard mounted.exitCode == 0 else {
            #expect(what.contains("VERSION") && mounted.exitCode == 1, "\(what): \(mounted.errorOutput)")
            return
        }
        for (name, content) in files {
            let found = Result { try readFile("\(target)/\(name)") }
            #expect((try? found.get()) == content, "\(name) after \(what)")
        }
        // A mount whose process crashed would still be mounted.
        try bench.kitfs("unmount", target)
    }
}
