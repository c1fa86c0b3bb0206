// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Directories that are not caches, missing files, absurd numbers: nothing is harmed, and nothing hangs.
@Suite struct CacheSafetyTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws { bench = try CommandFixture() }

    @Test func aDirectoryThatIsNoCacheIsLeftAlone() throws {
        let layout = bench.directory.path + "/layout"
        try Command.check("cp", ["-r", Fixtures.layout("plain-small"), layout])
        try Command.check("mkdir", ["-p", layout + "/partial/precious"])
        let before = try Command.check("find", [layout]).output
        for arguments in [
            ["cache", "prune", "--all", "--cache", layout], ["cache", "list", "--cache", layout],
            ["ls", reference, "--cache", layout], ["inspect", reference, "--cache", layout],
        ] {
            let result = try bench.run(arguments)
            #expect(result.exitCode == 1 && result.errorOutput.contains("not a cache of kitfs"), "\(arguments)")
        }
        #expect(try Command.check("find", [layout]).output == before)
        // Commands that only look create nothing.
        let nowhere = bench.directory.path + "/nowhere"
        #expect(try bench.kitfs("cache", "prune", "--all", "--cache", nowhere).hasPrefix("0 layers"))
        #expect(try Command.run("test", ["-e", nowhere]).exitCode == 1)
    }

    /// A record that another user could have written is ignored, and a pipe in its place does not block a command.
    @Test(.enabled(if: geteuid() == 0, "needs another user's directory"))
    func recordsOfOthersAreNotFollowed() throws {
        let victim = try bench.directory.subdirectory("victim/partial/precious")
        let place = "/tmp/kitfs-4242424"
        try Command.check("mkdir", ["-p", place])
        defer { _ = try? Command.run("rm", ["-r", place]) }
        let record = """
            {"pid":1,"reference":"x","digest":"x","directory":"/x","cache":"\(bench.directory.path)/victim","verify":"x",
            "started":0,"version":"x","layers":[{"digest":"x","form":"x","kind":"x","path":"x","size":1}]}
            """
        try writeFile(place + "/a.json", Array(record.utf8))
        try Command.check("mkfifo", [place + "/b.json"])
        #expect(try !bench.kitfs("status", timeout: 10).contains("victim"))
        try Command.check("chown", ["-R", "4242424", place])
        try bench.kitfs("status", timeout: 10)
        #expect(try Command.run("test", ["-d", victim]).exitCode == 0)
        #expect(try Command.check("ls", [bench.directory.path + "/victim"]).output == "partial\n")
    }

    /// Members that are deleted or truncated between mounts are fetched again.
    @Test(arguments: ["rm", "truncate -s 100000"])
    func damagedMembers(_ damage: String) throws {
        let first = try bench.mount(reference)
        let content = try first.read("model/weights.safetensors")
        try first.unmount()
        try Command.check("sh", ["-c", "\(damage) \(bench.cache)/layers/*/members/*"])
        let second = try bench.mount(reference)
        #expect(try second.read("model/weights.safetensors") == content)
        try second.unmount()
    }

    @Test func theCacheIsTakenAwayUnderAMount() throws {
        let mount = try bench.mount(reference)
        #expect(try mount.read("README.md").count == 26)
        // Repeated, since a file may have been renamed into the directory meanwhile.
        try eventually(within: 10, "the cache is gone") { try Command.run("rm", ["-rf", bench.cache]).exitCode == 0 }
        #expect(mount.openError("model/weights.safetensors") == EIO)
        // Files that need no cache can still be read.
        #expect(try mount.read("Kitfile").count > 100)
        try mount.unmount()
    }

    /// Layers with absurd sizes, 2^63-1, 2^57 and 2^60 bytes, give an error, and the mount continues.
    @Test func absurdSizes() throws {
        for (size, form) in [(Int64.max, "tar"), (1 << 57, "tar+gzip"), (1 << 60, "tar")] {
            let layout = try bench.directory.subdirectory("absurd-\(size)")
            var kit = KitBuilder(directory: layout)
            var tar = TarBuilder()
            tar.file("good", [1])
            try kit.addLayer(kind: .docs, path: "good", tar: tar.finish())
            for path in ["a", "b"] {
                var tar = TarBuilder()
                tar.file(path, Array(path.utf8))
                try kit.addLayer(
                    kind: .dataset, path: path, tar: tar.finish(), compression: form == "tar" ? nil : .gzip)
            }
            let hex = try kit.write(tag: "v1", package: "x").manifestHex
            let file = "\(layout)/blobs/sha256/\(hex)"
            let text = String(decoding: try readFile(file), as: UTF8.self)
                .replacing(#/(dataset.v1.tar[^}]*"size": ?)[0-9]+/#) { "\($0.output.1)\(size)" }
            let other = Sha256.hex(Array(text.utf8))
            try writeFile("\(layout)/blobs/sha256/\(other)", Array(text.utf8))
            let mount = try bench.mount("oci:\(layout)@sha256:\(other)")
            #expect([EIO, ENOSPC].contains(mount.openError("a")), "\(size)")
            var space = statvfs()
            #expect(statvfs(mount.path, &space) == 0)
            #expect(try mount.read("good") == [1])
            try mount.unmount()
        }
    }

    /// A manifest with a wrong size does not harm a layer that another mount has read.
    @Test func aWrongSizeHarmsNoOther() throws {
        let good = try bench.mount(reference)
        let content = try good.read("model/weights.safetensors")
        let layout = bench.directory.path + "/wrong"
        try Command.check("cp", ["-r", Fixtures.layout("plain-small"), layout])
        let hex = "31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
        let text = String(decoding: try readFile("\(layout)/blobs/sha256/\(hex)"), as: UTF8.self)
            .replacing("\"size\":2099200", with: "\"size\":2099712")
        let other = Sha256.hex(Array(text.utf8))
        try writeFile("\(layout)/blobs/sha256/\(other)", Array(text.utf8))
        let wrong = try bench.mount("oci:\(layout)@sha256:\(other)")
        #expect(wrong.openError("model/weights.safetensors") == EIO)
        #expect(try good.read("model/weights.safetensors") == content)
        #expect(try bench.cachedFiles(below: "layers").contains { $0.contains("4529e69374591634") })
        try wrong.unmount()
        try good.unmount()
    }

    @Test func closedStreamsAndDashes() throws {
        let target = try bench.directory.subdirectory("m")
        for line in [#""$0" mount "$@" <&- >&- 2>&-"#, #""$0" mount "${@:3}" -- "$1" "$2""#] {
            let arguments = bench.logged(["mount", reference, target]).dropFirst()
            let result = try Command.run(
                "bash", ["-c", line, CommandFixture.executable] + arguments, environment: bench.environment, timeout: 20
            )
            #expect(result.exitCode == 0, "\(line): \(result.errorOutput)")
            #expect(try readFile(target + "/README.md").count == 26)
            try bench.kitfs("unmount", target)
        }
    }

    /// A live mount's layers are kept, even those that it has not opened yet.
    @Test func pruneLeavesALiveMountsLayers() throws {
        let first = try bench.mount(reference)
        #expect(try first.read("README.md").count == 26)
        try first.unmount()
        let second = try bench.mount(reference)
        try eventually(within: 5, "the mount has taken hold of it") {
            try bench.kitfs("cache", "list").contains(#/9af37319[0-9a-f]+ .* now +\S+mnt-\d+/#)
        }
        #expect(try bench.kitfs("cache", "prune", "--all").contains("1 in use and kept"))
        try second.unmount()
    }

    /// An image that contains a filled cache. overlayfs does not rename directories of its lower layer.
    @Test(.enabled(if: geteuid() == 0, "only root may mount an overlay")) func whatALowerLayerHasIsPruned() throws {
        try bench.kitfs("pull", reference)
        let script = """
            set -eu
            mount -t tmpfs none "$1"
            mkdir "$1/upper" "$1/work"
            mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$2"
            "$3" cache list --cache "$2" | wc -l
            "$3" cache prune --all --cache "$2" >/dev/null
            "$3" cache list --cache "$2" | wc -l
            ls "$2/layers" "$2/trash"
            "$3" pull "$4" --cache "$2"
            "$3" cache verify --cache "$2" >/dev/null
            ls "$2/layers" | wc -l
            """
        let result = try Command.run(
            "unshare",
            [
                "-m", "--propagation", "private", "sh", "-c", script, "sh", try bench.directory.subdirectory("overlay"),
                bench.cache, CommandFixture.executable, reference,
            ], environment: bench.environment)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        let layers = try bench.cachedFiles(below: "layers").count { $0.hasSuffix("/state") }
        let lists = "\(bench.cache)/layers:\n\n\(bench.cache)/trash:\n"
        #expect(result.output == "\(layers + 1)\n1\n\(lists)\(layers)\n", "\(result.output)")
    }

    /// A cache on FUSE may be shared with another machine.
    @Test func aCacheOnANetworkIsRefused() throws {
        let mount = try bench.mount(reference)
        let failure = try bench.failure(
            "mount", reference, try bench.directory.subdirectory("second"), "--cache", mount.path + "/data")
        #expect(failure.code == 1)
        for text in [mount.path + "/data is on fuse.kitfs", "--shared-cache", "`kitfs pull --cache` fills it"] {
            #expect(failure.message.contains(text), "\(failure.message)")
        }
        try mount.unmount()
    }
}
