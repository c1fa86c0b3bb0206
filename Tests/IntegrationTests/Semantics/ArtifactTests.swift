// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// What a reference may name in a real registry: a kit in an index, several kits, a ModelPack artifact, or something
/// else.
@Suite final class ArtifactTests {
    private let registry: DockerRegistry
    private let bench: CommandFixture
    private var layout: MadeLayout

    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
        layout = try MadeLayout(bench.directory.path + "/made")
    }

    private func rawFile(_ path: String, _ bytes: [UInt8], _ kind: String = "kitops.modelkit.model") throws -> String {
        try layout.blob(
            bytes, kind + ".v1.raw", annotations: #"{"org.cncf.model.filepath":"\#(path)"}"#)
    }

    @Test func anIndexOfOneKit() throws {
        let image = #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#
        try layout.manifest(config: image, type: "oci.image.config.v1+json", tag: "image")
        let hex = try layout.manifest(
            config: #"{"package":{"name":"inside"}}"#, layers: [try rawFile("w/a.bin", [1, 2])], tag: "kit")
        try layout.index(tag: "index")
        try layout.push("index", to: registry, "team/index:v1")
        let reference = "\(registry.host)/team/index:v1"
        for _ in 0..<2 {
            let text = try bench.kitfs("inspect", reference)
            #expect(text.contains("Digest     sha256:\(hex)\n") && text.contains("name: inside"), "\(text)")
            #expect(!text.contains("Before"), "the tag has not moved: \(text)")
        }
        let mount = try bench.mount(reference)
        #expect(try mount.read("w/a.bin") == [1, 2])
        #expect(try mount.extendedAttribute("", "user.kitfs.digest") == "sha256:\(hex)")
        try mount.unmount()
        // All of the kit is cached by now.
        let offline = try bench.mount(reference, "--offline")
        #expect(try offline.read("w/a.bin") == [1, 2])
        try offline.unmount()
        #expect(try bench.kitfs("ls", "oci:\(layout.path):index").contains("w/"))
    }

    @Test func anIndexOfTwoKits() throws {
        let digests = try ["one", "two"].map {
            try layout.manifest(config: #"{"package":{"name":"\#($0)"}}"#, tag: $0)
        }
        try layout.index(tag: "index")
        try layout.push("index", to: registry, "team/index:v1")
        let reference = "\(registry.host)/team/index"
        let (code, message) = try bench.failure("inspect", reference + ":v1")
        #expect(code == 6 && message.contains("several ModelKits"), "\(message)")
        for (digest, name) in zip(digests, ["one", "two"]) {
            #expect(message.contains("@sha256:\(digest)"))
            #expect(try bench.kitfs("inspect", "\(reference)@sha256:\(digest)").contains("name: \(name)"))
        }
    }

    @Test(arguments: [
        ("oci.image.config.v1+json", "a container image"), ("cncf.helm.config.v1+json", "a Helm chart"),
        ("oci.empty.v1+json", "an artifact of no stated type"),
    ])
    func whatIsNoKitSaysWhatItIs(_ type: String, _ words: String) throws {
        try layout.manifest(config: "{}", type: type, tag: "thing")
        let directory = try bench.directory.subdirectory("m")
        for arguments in [["inspect"], ["ls"], ["mount"]] {
            let end = arguments == ["mount"] ? [directory] : []
            let result = try Command.run(
                CommandFixture.executable, arguments + ["oci:\(layout.path):thing"] + end,
                environment: bench.environment)
            #expect(result.exitCode == 6)
            #expect(result.errorOutput.contains("it is \(words) (application/vnd.\(type))"), "\(result.errorOutput)")
            #expect(result.errorOutput.split(separator: "\n").count == 1)
        }
        try layout.index(tag: "index")
        let (code, message) = try bench.failure("inspect", "oci:\(layout.path):index")
        #expect(code == 6 && message.contains("an index of \(words)"), "\(message)")
    }
}
