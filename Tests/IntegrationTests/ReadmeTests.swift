// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The commands of README.md, as a newcomer types them: in order, in a fresh clone, with a registry that stands in for
/// registry.example.com.
@Suite struct ReadmeTests {
    private static let root = Fixtures.directory.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
    private let home: UserHome

    init() throws { home = try UserHome() }

    @Test func everyBlockOfCommands() throws {
        let blocks = try ReadmeBlock.blocks(in: Self.text("README.md"))
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
        let isRun = blocks.filter { $0.running == .always || isForRoot($0) && geteuid() == 0 }
        #expect(isRun.count >= 3, "the README shows a newcomer nothing that can be tried")
        let script = try script(isRun)
        let clone = try clone()
        try prepare()
        let result = try Command.run("sh", ["-eu", script], environment: environment(), workingDirectory: clone)
        // The log has a line for each block before what it printed.
        #expect(result.exitCode == 0, "it ended in the last of these: \(result.errorOutput)")
        let left = try Command.run("findmnt", ["-rn", "-t", "fuse.kitfs", "-o", "TARGET"]).output
            .split(separator: "\n").filter { $0.hasPrefix(home.bench.directory.path) }
        #expect(left.isEmpty, "the README mounts and does not unmount: \(left.joined(separator: ", "))")
    }

    /// Those are counted, and say why; what is left to CI, CI does.
    @Test func whatIsNotRun() throws {
        let commands = try Self.text(".ci/run").split(separator: "\n")
        var count = 0
        for block in try ReadmeBlock.blocks(in: Self.text("README.md")) {
            switch block.running {
            case .always: continue
            case .asRoot(let reason):
                if geteuid() != 0 { print("README.md:\(block.line): not run but as root: \(reason)") }
            case .never(let reason):
                count += 1
                print("README.md:\(block.line): not run: \(reason)")
            case .byCI:
                for line in block.commands {
                    let command = line.prefix { $0 != "#" }.split(separator: " ").joined(separator: " ")
                    #expect(
                        command.isEmpty || commands.contains { $0.hasSuffix(command) },
                        "README.md:\(block.line): .ci/run lacks '\(command)'")
                }
            }
        }
        print("\(count) blocks of README.md are not run")
    }

    @Test(arguments: [
        "```sh\ntrue\n", "<!-- not run -->\n```sh\n```\n", "<!-- not run: needs a GPU -->\n\n```sh\n```\n",
        "<!-- not run: needs a GPU -->\n```yaml\n```\n", "<!-- run as root: -->\n```sh\n```\n",
    ]) func aMarkThatMeansNothing(_ page: String) {
        #expect(throws: TestSupportError.self) { try ReadmeBlock.blocks(in: page) }
    }

    private func isForRoot(_ block: ReadmeBlock) -> Bool {
        if case .asRoot = block.running { true } else { false }
    }

    /// What the README's examples read.
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

    /// One for all, since later blocks use what earlier ones did.
    private func script(_ blocks: [ReadmeBlock]) throws -> String {
        let path = home.bench.directory.path + "/readme.sh"
        let parts = blocks.map { block in
            "printf '\\n== README.md:\(block.line)\\n' >&2\n" + block.commands.joined(separator: "\n") + "\n"
        }
        try writeFile(path, Array(parts.joined().utf8))
        return path
    }

    private func clone() throws -> String {
        let path = home.bench.directory.path + "/clone"
        try home.write(".gitconfig", "[safe]\n\tdirectory = *\n")
        try Command.check("git", ["clone", "-q", "--shared", Self.root, path], environment: environment())
        return path
    }

    /// kitfs on the PATH, where any user may run it.
    private func prepare() throws {
        let programs = try home.bench.directory.subdirectory("home/bin")
        try Command.check("cp", ["--reflink=auto", Workbench.executable, programs + "/kitfs"])
        #expect(chmod(home.bench.directory.path, 0o755) == 0)
    }

    private func environment() -> [String: String] {
        var environment = home.bench.environment
        environment["PATH"] = home.path + "/bin:" + (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin")
        return environment
    }

    private static func text(_ name: String) throws -> String {
        String(decoding: try readFile("\(root)/\(name)"), as: UTF8.self)
    }
}
