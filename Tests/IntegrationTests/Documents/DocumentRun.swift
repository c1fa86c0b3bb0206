// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Runs the commands of a page as a newcomer would type them: in order, in a fresh clone, with a registry that stands
/// in for registry.example.com.
struct DocumentRun {
    private let page: String
    private let home: UserHome
    private var clone: String { home.path + "/kitfs" }
    private var outputs: String { home.bench.directory.path + "/outputs" }

    init(_ page: String) throws {
        self.page = page
        home = try UserHome()
    }

    func check() throws {
        let blocks = try Documents.runnable(page)
        let registry = try DockerRegistry()
        try registry.push(layout: kit(), tag: "v1", to: "team/model:v1")
        try registry.push(layout: kit(), tag: "v1", to: "team/model:v2")
        try home.registries(
            """
            [[registry]]
            prefix = "registry.example.com"
            location = "\(registry.host)"
            insecure = true
            """)
        let script = try script(blocks)
        try makeClone()
        try prepare()
        let result = try Command.run("sh", ["-eu", script], environment: environment(), workingDirectory: clone)
        // The log has a line for each block, and then the block's output.
        let log = result.errorOutput + (try lastOutput(blocks))
        #expect(result.exitCode == 0, "it ended in the last of these: \(log)")
        if result.exitCode == 0 { try compare(blocks) }
        let left = try Command.run("findmnt", ["-rn", "-t", "fuse.kitfs", "-o", "TARGET"]).output
            .split(separator: "\n").filter { $0.hasPrefix(home.bench.directory.path) }
        #expect(left.isEmpty, "\(page) mounts and does not unmount: \(left.joined(separator: ", "))")
    }

    private func compare(_ blocks: [DocumentBlock]) throws {
        for step in blocks.flatMap(\.steps) {
            let printed = String(decoding: try readFile("\(outputs)/\(step.line)"), as: UTF8.self)
            let found = ShownOutput(printed, home: home.path)
            #expect(found == .shown(step.output), "\(page):\(step.line): '\(step.command)' printed \(printed)")
        }
    }

    private func lastOutput(_ blocks: [DocumentBlock]) throws -> String {
        let printed = blocks.flatMap(\.steps).last { access("\(outputs)/\($0.line)", F_OK) == 0 }
        return try printed.map { String(decoding: try readFile("\(outputs)/\($0.line)"), as: UTF8.self) } ?? ""
    }

    /// The kit that the examples use.
    private func kit() throws -> String {
        let layout = home.bench.directory.path + "/layout"
        var kit = KitBuilder(directory: layout)
        var weights = TarBuilder()
        weights.directory("model")
        weights.file("model/config.json", Array(#"{"model_type":"llama"}"#.utf8))
        weights.file("model/model.safetensors", [UInt8](repeating: 7, count: 2 << 20))
        try kit.addLayer(kind: .model, path: "model", tar: weights.finish())
        var data = TarBuilder()
        data.directory("data")
        data.file("data/train.csv", Array("question,answer\n".utf8) + [UInt8](repeating: 65, count: 4096))
        try kit.addLayer(kind: .dataset, path: "data", tar: data.finish(), name: "train")
        try kit.write(tag: "v1", package: "model")
        return layout
    }

    /// One script for all blocks, since later blocks depend on earlier ones. If a page shows output, the output of each
    /// command goes to a file.
    private func script(_ blocks: [DocumentBlock]) throws -> String {
        _ = try home.bench.directory.subdirectory("outputs")
        let path = home.bench.directory.path + "/page.sh"
        let parts = blocks.map { block in
            let steps = block.steps.map { "{ \($0.command)\n} >\(outputs)/\($0.line) 2>&1\n" }
            let commands = steps.isEmpty ? block.commands.joined(separator: "\n") + "\n" : steps.joined()
            return "printf '\\n== \(block.place)\\n' >&2\n" + commands
        }
        try writeFile(path, Array(parts.joined().utf8))
        return path
    }

    private func makeClone() throws {
        try home.write(".gitconfig", "[safe]\n\tdirectory = *\n")
        try Command.check("git", ["clone", "-q", "--shared", Documents.root, clone], environment: environment())
    }

    /// Puts kitfs in a directory of the PATH, where any user may run it.
    private func prepare() throws {
        let programs = try home.bench.directory.subdirectory("home/bin")
        try Command.check("cp", ["--reflink=auto", CommandFixture.executable, programs + "/kitfs"])
        #expect(chmod(home.bench.directory.path, 0o755) == 0)
    }

    private func environment() -> [String: String] {
        var environment = home.bench.environment
        environment["KITFS_CACHE"] = home.path + "/.cache/kitfs"
        environment["PATH"] = home.path + "/bin:" + (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin")
        return environment
    }
}
