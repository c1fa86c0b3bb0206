// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// Parts of a kit: those that filters choose, and those that no mount shows.
@Suite struct PartsTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws { bench = try CommandFixture() }

    @Test(
        arguments: [
            (["datasets"], ["data"]), (["model"], ["model"]), (["docs,code"], ["README.md", "src"]),
            (["kitfile"], ["Kitfile"]), (["kitfile", "code"], ["Kitfile", "src"]),
            (["docs:./README.md", "datasets:train-and-valid"], ["README.md", "data"]),
            (["model:tokenizer"], ["model/tokenizer.json"]),
            (["model:./model/weights.safetensors"], ["model/weights.safetensors"]),
        ] as [([String], [String])])
    func onlyWhatTheFiltersChoose(_ filters: [String], _ tops: [String]) throws {
        let options = filters.flatMap { ["--filter", $0] }
        let truth = try Fixtures.truth("plain-small").filter { entry in
            entry.name == "."
                || tops.contains { top in
                    entry.name == top || entry.name.hasPrefix(top + "/") || top.hasPrefix(entry.name + "/")
                }
        }
        let mount = try bench.mount(reference, options)
        expectTree(try TreeScan.scan(mount.path), equals: truth)
        try mount.unmount()
        let listed = try Command.check(
            CommandFixture.executable, ["ls", "-R", reference] + options, environment: bench.environment
        ).output.split(separator: "\n").map { $0.hasSuffix("/") ? $0.dropLast() : $0 }
        #expect(Set(listed.map(String.init)) == Set(truth.map(\.name)).subtracting(["."]))
    }

    @Test func filtersThatAreWrong() throws {
        let directory = try bench.directory.subdirectory("m")
        for arguments in [["ls", reference], ["mount", reference, directory]] {
            let result = try Command.run(
                CommandFixture.executable, arguments + ["--filter", "models"], environment: bench.environment)
            #expect(result.exitCode == 2)
            #expect(result.errorOutput.contains("unknown type “models”"), "\(result.errorOutput)")
        }
        // A filter that chooses nothing is legal, and most likely a mistake.
        let mount = try Command.run(
            CommandFixture.executable, ["mount", reference, directory, "--filter", "docs:nope"],
            environment: bench.environment)
        #expect(mount.exitCode == 0 && mount.errorOutput.contains("chooses nothing"), "\(mount.errorOutput)")
        try bench.kitfs("unmount", directory)
        let list = try Command.run(
            CommandFixture.executable, ["ls", reference, "--filter", "docs:nope"], environment: bench.environment)
        #expect(list.exitCode == 0 && list.output.isEmpty && list.errorOutput.contains("chooses nothing"))
    }

    @Test func inspectShowsWhatIsNotInTheTree() throws {
        var layout = try MadeLayout(bench.directory.path + "/odd")
        let raw = try layout.blob([1, 2, 3], "kitops.modelkit.code.v1.raw")
        let strange = try layout.blob([4], "example.adapter.v1.tar")
        let named = try layout.blob(
            [5], "kitops.modelkit.docs.v1.raw", annotations: #"{"org.cncf.model.filepath":"docs/a.md"}"#)
        try layout.manifest(
            config: """
                {"datasets":[{"name":"far","path":"far","remotePath":"s3://bucket/far","remoteHash":"sha256:77"},
                 {"path":"n","remotePath":"https://example.com/n"}]}
                """,
            layers: [raw, strange, named], tag: "v1")
        let reference = "oci:\(layout.path):v1"
        let text = try bench.kitfs("inspect", reference)
        #expect(text.contains("not in the kit: dataset “far” at s3://bucket/far (sha256:77)\n"), "\(text)")
        #expect(text.contains("not in the kit: dataset at https://example.com/n\n"))
        #expect(
            text.contains(
                #/not shown: application/vnd.kitops.modelkit.code.v1.raw sha256:[0-9a-f]{64}: its file has no name/#))
        #expect(
            text.contains(
                #/not shown: application/vnd.example.adapter.v1.tar sha256:[0-9a-f]{64}: its media type is unknown/#))
        let json = try bench.kitfs("inspect", "--json", reference)
        #expect(json.contains(#""remotePath" : "s3://bucket/far""#) && json.contains(#""remoteHash" : "sha256:77""#))
        #expect(json.contains("\"hiddenLayers\" : [\n") && json.contains(#""reason" : "its media type is unknown""#))
        let mount = try bench.mount(reference)
        #expect(try TreeScan.scan(mount.path).map(\.name) == [".", "Kitfile", "docs", "docs/a.md"])
        #expect(try mount.read("docs/a.md") == [5])
        try mount.unmount()
    }
}
