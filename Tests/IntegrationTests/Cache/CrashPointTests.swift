// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The process is killed before and after each step that changes the cache: each write, rename, removal and sync in the
/// life of a layer (`KITFS_CRASH_AT`, see `DurableStep`). The next process finds each layer whole or absent. Then the
/// machine loses power too, and only chunks that a snapshot proves count as present.
///
/// A soak tries every point. Other runs try some, which they print.
@Suite struct CrashPointTests {
    private let bench: CommandFixture
    private let reference: String
    private let files: [String: [UInt8]]
    private static let isSoak = getenv("KITFS_SOAK") != nil
    private static let samples = 3

    /// A plain and a gzip layer, each with a large member and a small one, and a raw file.
    init() throws {
        bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        var random = SplitMix64(seed: 66)
        var files: [String: [UInt8]] = ["README.md": Array("beside it".utf8)]
        for (kind, name, compression) in [
            (KitBuilder.Kind.model, "model", nil), (.dataset, "data", LayerCompression.gzip),
        ] {
            let tree = NoiseTree(kind, name, large: 1_280_000, compression: compression, &random)
            files.merge(tree.files) { $1 }
            kit.add(tree.layer)
        }
        kit.add(.init(.docs, "README.md", raw: files["README.md"] ?? []))
        try kit.write(tag: "v1", package: "crashing")
        self.files = files
        reference = "oci:\(layout):v1"
    }

    /// A stage of a layer's life.
    enum Stage: String, CaseIterable, CustomTestStringConvertible {
        /// A pull on an empty cache.
        case pull
        /// A part is read, and then the mount ends cleanly and writes a snapshot.
        case stream
        /// A partial layer of an earlier boot is adopted and completed.
        case adopt
        /// Everything in the cache is pruned.
        case prune
        /// A damaged layer is verified.
        case verify

        var testDescription: String { rawValue }
    }

    @Test(arguments: Stage.allCases) func killedAtEachStep(_ stage: Stage) throws {
        let template = bench.directory.path + "/template"
        try prepare(stage, template)
        let log = bench.directory.path + "/steps"
        try use(template, as: "counted")
        #expect(try run(stage, ["KITFS_STEP_LOG": log]) == 0)
        let count = try readFile(log).split(separator: UInt8(ascii: "\n")).count
        #expect(count > 10)
        let points = Self.isSoak ? Array(1...count) : (0..<Self.samples).map { _ in Int.random(in: 1...count) }
        print("\(stage.rawValue): killed at \(Self.isSoak ? "each" : "\(points)") of \(count) points")
        for point in points {
            try use(template, as: "crashed")
            // Threads interleave differently each time, so a run may have fewer steps.
            let code = try run(stage, ["KITFS_CRASH_AT": "\(point)"])
            #expect(code == 128 + SIGKILL || code == 0, "\(stage), point \(point): \(code)")
            if point % 2 == 0 { try losePower() }
            try expectRight("\(stage.rawValue), point \(point)")
        }
    }

    private func prepare(_ stage: Stage, _ template: String) throws {
        bench.environment["KITFS_CACHE"] = template
        switch stage {
        case .pull, .stream:
            try Command.check("mkdir", ["-p", template])
        case .adopt:
            #expect(try run(.stream, [:]) == 0)
            try Command.check("sh", ["-c", "mv \(template)/partial/* \(template)/partial/\(Self.earlier)"])
            let snapshots = try Command.check("find", [template + "/partial", "-name", "snapshot"]).output
            #expect(!snapshots.isEmpty)
        case .prune:
            try bench.kitfs("pull", reference)
        case .verify:
            try bench.kitfs("pull", reference)
            try Command.check(
                "sh", ["-c", "printf X | dd of=$(ls \(template)/layers/*.tar/stream) bs=1 seek=70 conv=notrunc 2>&1"])
        }
    }

    private static let earlier = "00000000-1111-2222-3333-444444444444"

    private func use(_ template: String, as name: String) throws {
        let cache = bench.directory.path + "/" + name
        try Command.check("rm", ["-rf", cache])
        try Command.check("cp", ["-a", template, cache])
        bench.environment["KITFS_CACHE"] = cache
    }

    private var cache: String { bench.environment["KITFS_CACHE"] ?? "" }

    /// The exit code; for a mount whose process was killed, that of the process.
    private func run(_ stage: Stage, _ environment: [String: String]) throws -> Int32 {
        let all = bench.environment.merging(environment) { $1 }
        func kitfs(_ arguments: String...) throws -> Int32 {
            try Command.run(CommandFixture.executable, arguments, environment: all).exitCode
        }
        switch stage {
        case .pull, .adopt: return try kitfs("pull", reference)
        case .prune: return try kitfs("cache", "prune", "--all")
        case .verify:
            let code = try kitfs("cache", "verify")
            return code == 1 ? 0 : code
        case .stream:
            let target = try bench.directory.subdirectory("m-\(UInt64.random(in: 0 ... .max))")
            let mount = try BackgroundProcess(
                CommandFixture.executable, ["mount", "-f", reference, target, "--verify", "while-streaming"],
                environment: all)
            defer { _ = try? Command.run("umount", ["-l", target]) }
            try eventually(within: 30, "it is mounted or dead") {
                try !mount.isRunning || Command.run("mountpoint", ["-q", target]).exitCode == 0
            }
            for name in ["model", "data"] {
                _ = try Command.run(
                    "dd", ["if=\(target)/\(name)/large", "of=/dev/null", "bs=4k", "skip=200", "count=1"])
            }
            if mount.isRunning { mount.kill(signal: SIGTERM) }
            return mount.waitForExit(timeout: 30) ?? -1
        }
    }

    /// Simulates another boot. Files of partial layers without a snapshot get random bytes.
    private func losePower() throws {
        let script = """
            cd \(cache)/partial || exit 0
            [ -n "$(ls)" ] || exit 0
            for boot in *; do [ $boot = \(Self.earlier) ] || mv $boot \(Self.earlier); done
            for layer in */*; do
                [ -d $layer ] && [ ! -e $layer/snapshot ] || continue
                find $layer -type f ! -name state -exec sh -c 'head -c $(stat -c %s {}) /dev/urandom > {}.new; mv {}.new {}' ';'
            done
            """
        try Command.check("sh", ["-c", script])
    }

    private func expectRight(_ what: String) throws {
        let verified = try bench.run(["cache", "verify"])
        // A verification that was killed while it dropped a layer leaves that layer.
        let isDamaged = what.hasPrefix(Stage.verify.rawValue)
        #expect(verified.exitCode == 0 || isDamaged, "\(what): \(verified.output)\(verified.errorOutput)")
        let mount = try bench.mount(reference)
        for (name, content) in files { #expect(try mount.read(name) == content, "\(name) after \(what)") }
        try mount.unmount()
        #expect(try bench.run(["cache", "verify"]).exitCode == 0, "\(what)")
        try eventually(within: 10, "all is committed after \(what)") {
            try Command.run("find", [cache + "/partial", "-type", "f"]).output.isEmpty
        }
        #expect(
            try Command.check("find", [cache + "/layers", "-name", "state"]).output.split(separator: "\n").count == 3)
        try bench.kitfs("cache", "prune")
        let left = try Command.check("find", [cache + "/trash", "-mindepth", "1"]).output
        #expect(left.isEmpty, "\(what) left \(left)")
        let temporary = try Command.check("find", [cache, "-mindepth", "2", "-name", "*.tmp"]).output
        #expect(temporary.isEmpty, "\(what) left \(temporary)")
    }
}
