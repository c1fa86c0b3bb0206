// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The manual and the completions, which the build makes from the command's own definitions.
@Suite struct ManualTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// The command's description of itself.
    private struct Dump: Decodable {
        let command: Command

        struct Command: Decodable {
            let commandName: String
            let superCommands: [String]?
            let arguments: [Argument]?
            let subcommands: [Command]?

            var all: [Command] { [self] + (subcommands ?? []).flatMap(\.all) }
            var page: String { ((superCommands ?? []) + [commandName]).joined(separator: "-") + ".1" }
        }

        struct Argument: Decodable {
            let names: [Name]?
            let valueName: String?
        }

        struct Name: Decodable {
            let kind: String
            let name: String
        }
    }

    private func dump() throws -> [UInt8] {
        try Command.check(CommandFixture.executable, ["--experimental-dump-help"]).stdout
    }

    private func pages() throws -> [String] {
        let tool = CommandFixture.executable + "-docs"
        let guides = Documents.root + "/Sources/Manual"
        try Command.check(tool, ["1.2.3", "January 2, 2020", guides, directory.path], input: try dump())
        return try Command.check("find", [directory.path, "-name", "*.[1-8]"]).output.split(separator: "\n").map(
            String.init)
    }

    /// Every key of JSON output is documented in the command's page.
    @Test func everyKeyOfJSONIsInItsPage() throws {
        _ = try pages()
        let bench = try CommandFixture()
        let reference = "oci:\(Fixtures.layout("plain-small")):v1"
        let mount = try bench.mount(reference)
        _ = try mount.read("README.md")
        let keys = """
            import json, sys
            text = sys.stdin.read()
            found = set()
            def walk(value, before=''):
                if isinstance(value, list): [walk(item) for item in value]
                if isinstance(value, dict):
                    for key in value:
                        found.add(before + key)
                        if key != 'kitfile': walk(value[key], key + '.')
            try: walk(json.loads(text))
            except ValueError: [walk(json.loads(line)) for line in text.splitlines()]
            print(*sorted(found))
            """
        for (page, arguments) in [
            ("status", ["status", "--json", mount.path]), ("doctor", ["doctor", "--json"]),
            ("ls", ["ls", "-R", "--json", reference]), ("inspect", ["inspect", "--json", reference]),
            ("cache-list", ["cache", "list", "--json"]), ("cache-verify", ["cache", "verify", "--json"]),
        ] {
            let output = try bench.run(arguments).stdout
            let found = try Command.check("python3", ["-c", keys], input: output).output.split { " \n".contains($0) }
            #expect(found.count > 2, "\(page)")
            let text = String(decoding: try readFile("\(directory.path)/kitfs-\(page).1"), as: UTF8.self)
            for key in found {
                let isTold = text.contains(".It Li \(key)\n") || text.contains(".It Li \\&\(key)\n")
                #expect(isTold, "kitfs-\(page).1 lacks \(key)")
            }
        }
        try mount.unmount()
    }

    @Test func everyOptionIsInItsPage() throws {
        _ = try pages()
        let commands = try JSONDecoder().decode(Dump.self, from: Data(try dump())).command.all
        #expect(commands.count > 10)
        for command in commands where command.commandName != "help" {
            let text = try Command.check(
                "man", ["-l", "\(directory.path)/\(command.page)"],
                environment: ["MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""]
            ).output
            for section in [
                "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO",
            ] {
                #expect(text.contains("\n\(section)\n"), "\(command.page): \(section)")
            }
            for argument in command.arguments ?? [] {
                for name in argument.names ?? [] {
                    let option = (name.kind == "long" ? "--" : "-") + name.name
                    #expect(text.contains("\(option)"), "\(command.page) lacks \(option)")
                }
                if argument.names == nil { #expect(text.contains(argument.valueName ?? "?"), "\(command.page)") }
            }
        }
    }

    @Test func toolsFindNothingWrong() throws {
        for page in try pages() {
            let lint = try Command.run("mandoc", ["-Tlint", "-Wwarning", page])
            #expect(lint.exitCode == 0, "\(lint.output)")
            let man = try Command.check(
                "man", ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                environment: ["MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"])
            #expect(man.errorOutput.isEmpty, "\(man.errorOutput)")
        }
    }

    private func completion(_ shell: String) throws -> String {
        let script = try Command.check(CommandFixture.executable, ["--generate-completion-script", shell]).stdout
        let path = "\(directory.path)/kitfs.\(shell)"
        try writeFile(path, script)
        return path
    }

    @Test func bash() throws {
        let path = try completion("bash")
        let script = """
            . '\(path)'
            COMP_WORDS=(kitfs mou) COMP_CWORD=1 COMP_LINE='kitfs mou' COMP_POINT=9 COMP_TYPE=9
            $(complete -p kitfs | sed 's/.*-F \\([^ ]*\\).*/\\1/') kitfs mou kitfs
            echo "${COMPREPLY[@]}"
            """
        #expect(try Command.check("bash", ["--norc", "-c", script]).output == "mount\n")
    }

    @Test func fish() throws {
        let path = try completion("fish")
        let script = "source '\(path)'; complete -C 'kitfs mou'; complete -C 'kitfs mount --plain'"
        let output = try Command.check(
            "fish", ["--no-config", "-c", script],
            environment: ["HOME": directory.path, "PATH": path + ":/usr/bin:/bin"]
        ).output
        #expect(output.contains("mount\tMount a kit on a directory") && output.contains("--plain-http"), "\(output)")
    }

    @Test func zsh() throws {
        let path = try completion("zsh")
        try Command.check("cp", [path, "\(directory.path)/_kitfs"])
        let script = """
            fpath=('\(directory.path)' $fpath); autoload -Uz compinit; compinit -u -D
            autoload +X -Uz _kitfs && echo "loaded ${_comps[kitfs]}"
            """
        let result = try Command.check("zsh", ["-f", "-c", script], environment: ["HOME": directory.path])
        #expect(result.output == "loaded _kitfs\n" && result.errorOutput.isEmpty, "\(result.errorOutput)")
    }
}
