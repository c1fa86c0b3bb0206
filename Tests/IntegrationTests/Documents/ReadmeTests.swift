// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Runs the commands of README.md as a newcomer would type them, and compares their output with the page.
@Suite struct ReadmeTests {
    @Test func everyBlockOfCommands() throws {
        let blocks = try Documents.runnable("README.md")
        #expect(blocks.contains { !$0.steps.isEmpty }, "the README shows a newcomer no output")
        let all = try Documents.withCommands.flatMap(Documents.runnable)
        #expect(all.count >= 6, "the pages show a newcomer too little that can be tried")
        try DocumentRun("README.md").check()
    }

    @Test func itIsOneThatIsRead() throws {
        let lines = try Documents.text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 151, "README.md has \(lines.count - 1) lines")
    }

    /// Blocks that are not run are counted, and give a reason. Those left to CI are in CI.
    @Test func whatIsNotRun() throws {
        let commands = try Documents.text(".ci/run").split(separator: "\n")
        var count = 0
        for block in try Documents.withCommands.flatMap(Documents.blocks) {
            switch block.running {
            case .always: continue
            case .asRoot(let reason):
                if geteuid() != 0 { print("\(block.place): not run but as root: \(reason)") }
            case .never(let reason):
                count += 1
                print("\(block.place): not run: \(reason)")
            case .byCI:
                for line in block.commands {
                    let command = line.prefix { $0 != "#" }.split(separator: " ").joined(separator: " ")
                    #expect(
                        command.isEmpty || commands.contains { $0.hasSuffix(command) },
                        "\(block.place): .ci/run lacks '\(command)'")
                }
            }
        }
        print("\(count) blocks of README.md and the guides are not run")
    }

    @Test(arguments: [
        "```sh\ntrue\n", "<!-- not run -->\n```sh\n```\n", "<!-- not run: needs a GPU -->\n\n```sh\n```\n",
        "<!-- not run: needs a GPU -->\n```yaml\n```\n", "<!-- run as root: -->\n```sh\n```\n",
        "```console\n$ true\n```\n", "```console\nout\n$ true\nout\n```\n",
    ]) func aMarkThatMeansNothing(_ page: String) {
        #expect(throws: TestSupportError.self) { try DocumentBlock.blocks(in: page, of: "page") }
    }

    @Test func outputIsComparedButForWhatDiffersFromOneMachineToTheNext() throws {
        let page =
            "```console\n$ ls -l\n-r--r--r-- 1 you you 9 Jan  9  1980 a\n$ kitfs status\n  docs  2KiB  100%  cached\n```\n"
        let steps = try #require(try DocumentBlock.blocks(in: page, of: "page").first?.steps)
        #expect(steps.map(\.command) == ["ls -l", "kitfs status"] && steps.map(\.line) == [2, 4])
        let shown = steps.map { ShownOutput.shown($0.output) }
        #expect(shown[0] == ShownOutput("-r--r--r-- 1 root root 12345 May 19 12:30 a\n", home: "/root"))
        #expect(shown[0] != ShownOutput("-r--r--r-- 1 root root 12345 May 19 12:30 b\n", home: "/root"))
        #expect(shown[0] != ShownOutput("-rw-r--r-- 1 root root 12345 May 19 12:30 a\n", home: "/root"))
        #expect(shown[1] == ShownOutput("  docs  17.5MiB  100%  cached\n", home: "/root"))
        #expect(shown[1] != ShownOutput("  docs  2KiB  0%  absent\n", home: "/root"))
        #expect(shown[1] != ShownOutput("", home: "/root"))
    }
}
