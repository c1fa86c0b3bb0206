// SPDX-License-Identifier: Apache-2.0

/// The manual page of a command: what its definition says, and what all of them have in common.
struct CommandPage {
    let command: ToolDump.Command
    let root: ToolDump.Command
    let guides: [GuidePage]
    let edition: Edition

    var name: String { command.pageName + ".1" }

    var text: String {
        var lines = edition.header(command.pageName, section: 1)
        lines +=
            [
                ".Sh NAME", ".Nm \(command.pageName)", ".Nd \(Mdoc.title(command.abstract ?? command.commandName))",
                ".Sh SYNOPSIS",
            ] + synopsis
        lines += [".Sh DESCRIPTION"] + description
        lines += options
        lines += CommandNotes.sections(of: command, root)
        lines += [".Sh SEE ALSO"] + seeAlso
        return lines.joined(separator: "\n") + "\n"
    }

    private var shown: [ToolDump.Argument] { (command.arguments ?? []).filter(\.shouldDisplay) }
    private var positional: [ToolDump.Argument] { shown.filter { $0.kind == .positional } }
    private var flags: [ToolDump.Argument] { shown.filter { $0.kind != .positional } }

    private var synopsis: [String] {
        let words = command.spelled.split(separator: " ").dropFirst().map(String.init)
        var lines = [".Nm kitfs"] + words.map { ".Cm \($0)" }
        if command.subcommands?.isEmpty == false { lines.append(".Ar command") }
        lines.append(".Op Ar option ...")
        for argument in positional {
            let name = Mdoc.word(argument.valueName ?? "value") + (argument.isRepeating ? " ..." : "")
            lines.append(argument.isOptional ? ".Op Ar \(name)" : ".Ar \(name)")
        }
        return lines
    }

    private var description: [String] {
        var lines = Mdoc.prose(command.abstract ?? "")
        if let discussion = command.discussion {
            // Examples have a section of their own.
            let blocks = discussion.split(separator: "\n\n").filter {
                !$0.hasPrefix("  ") && !$0.hasPrefix("Exit codes")
            }
            lines += [".Pp"] + Mdoc.paragraphs(blocks.joined(separator: "\n\n"))
        }
        for alias in command.aliases ?? [] {
            lines += [".Pp", "It may also be called \\fB\(Mdoc.literal(alias))\\fP."]
        }
        let commands = (command.subcommands ?? []).filter { $0.commandName != "help" }
        if !commands.isEmpty {
            lines += [".Pp", "The commands, each with a page of its own:", ".Bl -tag -width Ds"]
            lines += commands.flatMap { [".It Xr \($0.pageName) 1"] + Mdoc.prose($0.abstract ?? "") } + [".El"]
        }
        if command.pageName == root.pageName, !guides.isEmpty {
            lines += [".Pp", "The guides, each with a page of its own:", ".Bl -tag -width Ds"]
            lines += guides.flatMap { [".It Xr \(GuidePage.page($0.topic)) 7"] + Mdoc.prose($0.guide.title + ".") }
            lines.append(".El")
        }
        return lines
    }

    private var options: [String] {
        var lines = [".Sh OPTIONS", ".Bl -tag -width Ds"]
        for argument in positional {
            lines += [".It Ar \(Mdoc.word(argument.valueName ?? "value"))"] + Self.explanation(argument)
        }
        for argument in flags {
            let names = (argument.names ?? []).map { name in
                "Fl " + (name.kind == "long" ? "\\-" : "") + Mdoc.literal(name.name)
            }
            let value = argument.kind == .option ? " Ar " + Mdoc.word(argument.valueName ?? "value") : ""
            lines += [".It " + names.joined(separator: " , ") + value] + Self.explanation(argument)
        }
        return lines + [".El"]
    }

    private static func explanation(_ argument: ToolDump.Argument) -> [String] {
        var text = argument.abstract ?? ""
        if let values = argument.allValues, !values.isEmpty {
            text += " One of \(values.joined(separator: ", "))."
        }
        if let value = argument.defaultValue { text += " [default: \(value)]" }
        var lines = Mdoc.prose(text)
        if let discussion = argument.discussion { lines += [".Pp"] + Mdoc.paragraphs(discussion) }
        return lines
    }

    /// The other pages, sorted as mdoc wants it: by section, then by name.
    private var seeAlso: [String] {
        let others = root.all.map(\.pageName).filter { $0 != command.pageName } + ["fusermount3"]
        let all =
            others.sorted().map { "\($0) 1" } + ["kitfs.conf 5"] + guides.map { GuidePage.page($0.topic) + " 7" } + [
                "fuse 8"
            ]
        return all.enumerated().map { place, page in ".Xr \(page)" + (place + 1 < all.count ? " ," : "") }
    }
}

/// Which edition of the manual this is.
struct Edition {
    let version: String
    /// As mdoc has it: `November 26, 2026`.
    let date: String

    func header(_ name: String, section: Int, source: String = "the command's own definitions") -> [String] {
        [
            ".\\\" SPDX-License-Identifier: Apache-2.0",
            ".\\\" Made by kitfs-docs from \(source).",
            ".Dd \(date)", ".Dt \(name.uppercased()) \(section)", ".Os kitfs \(version)",
        ]
    }
}
