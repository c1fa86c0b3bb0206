// SPDX-License-Identifier: Apache-2.0

/// What `kitfs --experimental-dump-help` prints: all commands, as swift-argument-parser knows them (its ToolInfoV0).
struct ToolDump: Decodable {
    let command: Command

    struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let discussion: String?
        let aliases: [String]?
        let superCommands: [String]?
        let arguments: [Argument]?
        let subcommands: [Command]?
    }

    struct Argument: Decodable {
        enum Kind: String, Decodable { case positional, option, flag }

        let kind: Kind
        let shouldDisplay: Bool
        let isOptional: Bool
        let isRepeating: Bool
        let names: [Name]?
        let valueName: String?
        let defaultValue: String?
        let allValues: [String]?
        let abstract: String?
        let discussion: String?
    }

    struct Name: Decodable {
        let kind: String
        let name: String
    }
}

extension ToolDump.Command {
    /// As it is typed: `kitfs cache list`.
    var spelled: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }
    /// As its page is called: `kitfs-cache-list`.
    var pageName: String { spelled.split(separator: " ").joined(separator: "-") }

    /// It and all below it, but for `help`, which every command has.
    var all: [ToolDump.Command] {
        [self] + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap(\.all)
    }
}
