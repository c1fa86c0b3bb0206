// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// Kits of other makers, and old kits.
@Suite final class KitAgesTests {
    private let bench: CommandFixture
    private var layout: MadeLayout

    init() throws {
        bench = try CommandFixture()
        layout = try MadeLayout(bench.directory.path + "/made")
    }

    /// Raw weights in nested directories, and archives of every compression. There is no Kitfile, so one is generated.
    @Test(arguments: ["cncf", "cnai"]) func aModelPackArtifact(_ vendor: String) throws {
        func annotations(_ path: String) -> String {
            #"{"org.\#(vendor).model.filepath":"\#(path)","org.\#(vendor).model.file.metadata+json":"#
                + #""{\"mode\":420,\"mtime\":\"2024-05-06T09:08:09+02:00\"}"}"#
        }
        func tar(_ path: String, _ content: [UInt8]) -> [UInt8] {
            var tar = TarBuilder()
            tar.file(path, content)
            return tar.finish()
        }
        let prefix = "\(vendor).model."
        let zstd = try Command.check("zstd", ["-qc"], input: tar("data/train/x.csv", [4])).stdout
        let gzip = try Command.check("gzip", ["-nc"], input: tar("src/run.py", [5])).stdout
        let layers = [
            try layout.blob([1], prefix + "weight.v1.raw", annotations: annotations("w/deep/1.safetensors")),
            try layout.blob([2], prefix + "weight.v1.raw", annotations: annotations("w/deep/2.safetensors")),
            try layout.blob([3], prefix + "weight.config.v1.raw", annotations: annotations("config.json")),
            try layout.blob(zstd, prefix + "dataset.v1.tar+zstd", annotations: annotations("data/train")),
            try layout.blob(gzip, prefix + "code.v1.tar+gzip", annotations: annotations("src/run.py")),
            try layout.blob(tar("README.md", [6]), prefix + "doc.v1.tar", annotations: annotations("README.md")),
        ]
        try layout.manifest(
            config: #"{"descriptor":{"name":"packed"}}"#, type: prefix + "config.v1+json", layers: layers, tag: "v1")
        let registry = try DockerRegistry()
        try layout.push("v1", to: registry, "team/pack:v1")
        let mount = try bench.mount("\(registry.host)/team/pack:v1")
        let found = try TreeScan.scan(mount.path)
        #expect(
            found.map(\.name) == [
                ".", "Kitfile", "README.md", "config.json", "data", "data/train", "data/train/x.csv", "src",
                "src/run.py", "w", "w/deep", "w/deep/1.safetensors", "w/deep/2.safetensors",
            ])
        let files = [
            "w/deep/1.safetensors", "w/deep/2.safetensors", "config.json", "data/train/x.csv", "src/run.py",
            "README.md",
        ]
        for (index, file) in files.enumerated() { #expect(try mount.read(file) == [UInt8(index + 1)]) }
        let weight = try #require(found.first { $0.name == files[0] })
        #expect(weight.mode == 0o444 && weight.mtime == 1_714_979_289)
        #expect(String(decoding: try mount.read("Kitfile"), as: UTF8.self).contains("name: packed"))
        try mount.unmount()
    }

    /// Kits before 2024 have no digests in their config. Layers are in the Kitfile's order, and the names in them start
    /// at the element's parent directory.
    @Test func aKitWithoutDigests() throws {
        func tar(_ paths: String...) throws -> [UInt8] {
            var tar = TarBuilder()
            for path in paths { tar.file(path, Array(path.utf8)) }
            return tar.finish()
        }
        let config = """
            {"manifestVersion":"1.0.0","model":{"path":"models/v1/m.bin","parts":[{"path":"./parts/b/"}]},
             "code":[{"path":"."}],"datasets":[{"path":"far","remotePath":"s3://x"},{"path":"data"},{"path":"d/two"}]}
            """
        let prefix = "kitops.modelkit."
        let layers = [
            try layout.blob(tar("m.bin"), prefix + "model.v1.tar"),
            try layout.blob(tar("b/one", "b/two"), prefix + "modelpart.v1.tar"),
            try layout.blob(tar("run.py"), prefix + "code.v1.tar"),
            try layout.blob(tar("data/x"), prefix + "dataset.v1.tar"),
            try layout.blob(tar("two/y"), prefix + "dataset.v1.tar"),
        ]
        try layout.manifest(config: config, layers: layers, tag: "v1")
        let mount = try bench.mount("oci:\(layout.path):v1")
        #expect(
            try TreeScan.scan(mount.path).filter { $0.type == .file }.map(\.name) == [
                "Kitfile", "d/two/y", "data/x", "models/v1/m.bin", "parts/b/one", "parts/b/two", "run.py",
            ])
        #expect(try mount.read("parts/b/two") == Array("b/two".utf8))
        #expect(try mount.read("d/two/y") == Array("two/y".utf8))
        try mount.unmount()
    }
}
