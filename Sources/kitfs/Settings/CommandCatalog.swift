// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import FoundationEssentials

/// The commands and their options, as they define themselves: what settings files and `-o` may name.
struct CommandCatalog {
    struct Option {
        /// All its spellings: `-f`, `--foreground`.
        let spellings: [String]
        /// Without dashes.
        let name: String
        let takesValue: Bool
        let isRepeating: Bool
        let isShown: Bool
    }

    struct Command {
        /// Below `kitfs`: `["cache", "prune"]`.
        let path: [String]
        /// How many of the arguments say so.
        let depth: Int
        let options: [Option]
        /// What its arguments without dashes are called, in order.
        let positionals: [String]

        /// As a table in a settings file: `cache-prune`.
        var table: String { path.joined(separator: "-") }

        func option(_ name: String) -> Option? { options.first { $0.name == name } }
        func option(spelled text: String) -> Option? { options.first { $0.spellings.contains(text) } }
    }

    let commands: [Command]

    static func ofKitfs() throws -> CommandCatalog {
        let text = Kitfs._dumpHelp()
        let root = try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command
        var commands: [Command] = []
        for child in root.subcommands ?? [] { collect(child, [], into: &commands) }
        return CommandCatalog(commands: commands)
    }

    /// The one that arguments start with; nil where they name none.
    func command(of arguments: [String]) -> Command? {
        commands.filter { $0.path == Array(arguments.prefix($0.depth)) }.max { $0.depth < $1.depth }
    }

    func command(table: String) -> Command? { commands.first { $0.table == table } }

    // MARK: What the parser tells of itself. Source: ArgumentParserToolInfo of swift-argument-parser.

    private struct Dump: Decodable { let command: DumpedCommand }

    private struct DumpedCommand: Decodable {
        let commandName: String
        let subcommands: [DumpedCommand]?
        let arguments: [DumpedArgument]?
    }

    private struct DumpedArgument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: String
        let names: [Name]?
        let valueName: String?
        let isRepeating: Bool
        let parsingStrategy: String
        let shouldDisplay: Bool

        var option: Option? {
            guard let names, let name = (names.first { $0.kind == "long" } ?? names.first)?.name else { return nil }
            return Option(
                spellings: names.map { ($0.kind == "long" ? "--" : "-") + $0.name }, name: name,
                takesValue: kind == "option", isRepeating: isRepeating, isShown: shouldDisplay)
        }
    }

    /// A command that only holds others is not one that can be set up.
    private static func collect(_ command: DumpedCommand, _ parents: [String], into commands: inout [Command]) {
        let path = parents + [command.commandName]
        for child in command.subcommands ?? [] { collect(child, path, into: &commands) }
        guard command.subcommands?.isEmpty ?? true, command.commandName != "help" else { return }
        let arguments = command.arguments ?? []
        commands.append(
            Command(
                path: path, depth: path.count, options: arguments.compactMap(\.option),
                positionals: arguments.filter { $0.kind == "positional" && $0.parsingStrategy != "postTerminator" }
                    .compactMap(\.valueName)))
    }
}
