// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// The output and the exit codes of the commands.
@Suite struct KitfsCommandTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws { bench = try CommandFixture() }

    @Test func exitCodesAndOneLine() throws {
        let directory = try bench.directory.subdirectory("m")
        let port = try freePort()
        let cases: [(arguments: [String], code: Int32, says: String)] = [
            (["mount", reference], 2, "dir"),
            (["frobnicate"], 2, "frobnicate"),
            (["mount", "Upper/Case:v1", directory], 2, "lower-case"),
            (["mount", reference, directory, "--timeout", "0"], 2, "--timeout"),
            (["cache", "prune", "--all", "--max-size", "1GiB"], 2, "--max-size"),
            (["cache", "prune", "--max-size", "much"], 2, "much"),
            (["mount", "oci:\(Fixtures.layout("plain-small")):nope", directory], 3, "it has v1"),
            (["inspect", "oci:/nowhere"], 3, "index.json"),
            (["inspect", "127.0.0.1:\(port)/x:v1", "--timeout", "1"], 5, "127.0.0.1:\(port)"),
            (["ls", reference, "nope"], 3, "nope"),
            (["mount", reference, "/nowhere/at/all"], 7, "mkdir -p"),
            (["mount", reference, "/etc/hostname"], 7, "not a directory"),
            (["unmount", directory], 7, "no kit is mounted"),
            (["status", directory], 7, "no kit is mounted"),
            (["mount", "mymodel:v1", directory], 3, "local store"),
        ]
        for (arguments, code, says) in cases {
            let result = try bench.run(arguments)
            #expect(result.exitCode == code, "\(arguments): \(result.errorOutput)")
            #expect(result.errorOutput.contains(says), "\(arguments): \(result.errorOutput)")
            if code != 2 { #expect(result.errorOutput.split(separator: "\n").count == 1, "\(result.errorOutput)") }
        }
    }

    @Test func whatIsNoKit() throws {
        let layout = try bench.directory.subdirectory("image")
        let kit = KitBuilder(directory: layout)
        let (manifest, _) = try kit.write(tag: "v1", package: "x")
        let file = "\(layout)/blobs/sha256/\(manifest)"
        let text = String(decoding: try readFile(file), as: UTF8.self)
            .replacing("vnd.kitops.modelkit.config.v1+json", with: "vnd.oci.image.config.v1+json")
        let hex = Sha256.hex(Array(text.utf8))
        try writeFile("\(layout)/blobs/sha256/\(hex)", Array(text.utf8))
        let (code, message) = try bench.failure("inspect", "oci:\(layout)@sha256:\(hex)")
        #expect(code == 6)
        #expect(message.contains("not a ModelKit") && message.contains("vnd.oci.image.config.v1+json"))
        // The same bytes under another digest are refused before they are parsed.
        try writeFile(file, Array(text.utf8))
        #expect(try bench.failure("inspect", "oci:\(layout)@sha256:\(manifest)").code == 6)
    }

    @Test func credentials() throws {
        let registry = try DockerRegistry(htpasswd: (user: "kit", password: "fs-secret"), tls: true)
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "plain-small:v1")
        let reference = "\(registry.host)/plain-small:v1"
        let ca = try #require(registry.caFile)
        let untrusted = try bench.failure("inspect", reference, "--timeout", "2")
        #expect(untrusted.code == 5 && untrusted.message.lowercased().contains("certificate"))
        let anonymous = try bench.failure("inspect", reference, "--ca-file", ca)
        #expect(anonymous.code == 4 && anonymous.message.contains("docker login"))
        let docker = try bench.directory.subdirectory("docker")
        bench.environment["DOCKER_CONFIG"] = docker
        func logIn(_ auth: String) throws {
            try writeFile(
                docker + "/config.json", Array("{\"auths\":{\"\(registry.host)\":{\"auth\":\"\(auth)\"}}}".utf8))
        }
        try logIn("a2l0Ondyb25n")  // kit:wrong
        let refused = try bench.failure("inspect", reference, "--ca-file", ca)
        #expect(refused.code == 4 && !refused.message.contains("wrong"))
        try logIn("a2l0OmZzLXNlY3JldA==")  // kit:fs-secret
        #expect(try bench.kitfs("inspect", reference, "--ca-file", ca).contains("plain-small"))
        let mount = try bench.mount(reference, "--ca-file", ca)
        #expect(try mount.read("data/train/s0/p/f0.bin").count == 1000)
        #expect(try !mount.log().contains("fs-secret"))
        try mount.unmount()
        #expect(try bench.kitfs("inspect", reference, "--tls-verify", "false").contains("plain-small"))
    }

    @Test func listsWithoutMounting() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("unicode-paths"), tag: "v1", to: "u:v1")
        let lines = try bench.kitfs("ls", "-R", "\(registry.host)/u:v1", "data/modes").split(separator: "\n")
        #expect(
            lines == [
                "data/modes/empty", "data/modes/exec.sh", "data/modes/group-write.txt", "data/modes/private.key",
                "data/modes/readonly.txt", "data/modes/setuid", "data/modes/world.txt",
            ])
        #expect(try bench.kitfs("ls", "-l", "\(registry.host)/u:v1", "data/modes/exec.sh").contains("-r-xr-xr-x"))
        let json = try bench.kitfs("ls", "--json", "-R", "\(registry.host)/u:v1")
        #expect(json.contains("\"path\":\"data/données/日本語.txt\""))
        let truth = try Fixtures.truth("unicode-paths").filter { $0.name != "." }
        // One name has a newline in it.
        #expect(try bench.kitfs("ls", "-R", "\(registry.host)/u:v1").split(separator: "\n").count == truth.count + 1)
    }

    /// The sum of three layers of 2^63-1 bytes overflows.
    @Test(arguments: ["fancy", "plain"]) func sizesOfNoDisk(_ style: String) throws {
        var layout = try MadeLayout(bench.directory.subdirectory("sizes"))
        let layers = try (1...3).map { number in
            try layout.blob([UInt8(number)], "kitops.modelkit.dataset.v1.tar")
                .replacing(#""size":1,"#, with: #""size":9223372036854775807,"#)
        }
        try layout.manifest(config: "{}", layers: layers, tag: "v1")
        let (code, message) = try bench.failure("pull", "oci:\(layout.path):v1", "--progress", style)
        #expect((1...9).contains(code) && message.contains("9223372036854775807"), "\(code): \(message)")
        #expect(try bench.kitfs("inspect", "oci:\(layout.path):v1").contains("16EiB in 3 layers"))
    }

    /// A tar may give its members any time.
    @Test func timesOfNoCalendar() throws {
        let layout = try bench.directory.subdirectory("times")
        var kit = KitBuilder(directory: layout)
        var tar = TarBuilder()
        tar.directory("d")
        // Years of ten digits: the last that gmtime(3) supports, and later ones.
        let times: [(seconds: Int64, shown: String)] = [
            (4_107_542_400, "2100-03-01"), (67_768_036_191_676_799, "2147485547-12-31"),
            (67_768_036_191_676_800, "@67768036191676800"), (900_000_000_000_000_000, "@900000000000000000"),
        ]
        for (seconds, _) in times {
            tar.pax([("mtime", Array("\(seconds)".utf8))])
            tar.file("d/\(seconds)", [1])
        }
        kit.add(.init(.dataset, "d", tar: tar.finish()))
        try kit.write(tag: "v1", package: "times")
        let listed = try bench.kitfs("ls", "-l", "oci:\(layout):v1", "d")
        for (seconds, shown) in times {
            let line = listed.split(separator: "\n").first { $0.hasSuffix("d/\(seconds)") }
            #expect(line?.contains(" \(shown) ") == true, "\(listed)")
        }
    }

    @Test func statusShowsLayers() throws {
        let mount = try bench.mount(reference)
        #expect(try mount.read("data/train/s0/p/f0.bin").count == 1000)
        try eventually(within: 5, "status shows what is cached") {
            try bench.kitfs("status", mount.path).contains(#/dataset +data +dcaead687108 +224KiB +100% +cached/#)
        }
        let text = try bench.kitfs("status")
        #expect(text.contains(#/model +model/weights.safetensors +4529e6937459 +2MiB +0% +absent/#))
        #expect(try bench.kitfs("status", "--json").contains("\"state\" : \"cached\""))
        try mount.unmount()
    }

    @Test func cacheListAndPrune() throws {
        let mount = try bench.mount(reference)
        #expect(try mount.read("data/train/s0/p/f0.bin").count == 1000)
        #expect(try mount.read("README.md").count == 26)
        // Layers can be read once they are verified. They are whole only once they are on disk.
        try eventually(within: 10, "the list shows a whole layer") {
            try bench.kitfs("cache", "list").contains(
                #/dcaead687108 +tar +dataset +224KiB +whole +\S+ +now +\S+mnt-\d+ +\S+plain-small/#)
        }
        // Layers in use are kept, and can still be read.
        #expect(try bench.kitfs("cache", "prune", "--all").contains("2 in use and kept"))
        #expect(try mount.read("data/train/s0/p/f1.bin").count == 1977)
        try mount.unmount()
        #expect(try bench.kitfs("cache", "prune", "--all").hasPrefix("2 layers deleted"))
        #expect(try bench.cachedFiles().count == 2)
        let again = try bench.mount(reference)
        #expect(try again.read("README.md").count == 26)
        try again.unmount()
    }

    /// A mount keeps the kit that the tag named. The next mount and `inspect` use the new one.
    @Test func aTagThatMoves() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("sharing"), tag: "v1", to: "s:latest")
        let first = "sha256:d68661b143d0468597c04b5025a795691836768e4ebec5164f07719acbf6d1c7"
        let second = "sha256:b47896414ef43a966a01d0628eb60f21bc8001a770b1df7da772d50f83fe2fdf"
        let old = try bench.mount("\(registry.host)/s")
        try registry.push(layout: Fixtures.layout("sharing"), tag: "v2", to: "s:latest")
        let text = try bench.kitfs("inspect", "\(registry.host)/s")
        #expect(text.contains("Digest     \(second)") && text.contains("Before     \(first)"))
        #expect(try !bench.kitfs("inspect", "\(registry.host)/s").contains("Before"))
        let new = try bench.mount("\(registry.host)/s")
        #expect(try old.extendedAttribute("", "user.kitfs.digest") == first)
        #expect(try new.extendedAttribute("", "user.kitfs.digest") == second)
        #expect(try old.read("model/model.onnx") != new.read("model/model.onnx"))
        try old.unmount()
        try new.unmount()
    }

    @Test func inspectJSON() throws {
        let text = try bench.kitfs("inspect", "--json", reference)
        #expect(text.contains("\"name\" : \"plain-small\"") && text.contains("\"kind\" : \"modelpart\""))
        #expect(text.contains("31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"))
    }
}
