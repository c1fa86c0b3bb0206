// SPDX-License-Identifier: Apache-2.0

/// kitfs.conf(5): what may be in it are the long options of the commands, by their names.
struct ConfigurationPage {
    let root: ToolDump.Command
    let edition: Edition

    let name = "kitfs.conf.5"

    /// What one says each time anew.
    private static let excluded: Set<String> = ["help", "version", "config"]

    var text: String {
        var lines = edition.header("kitfs.conf", section: 5)
        lines += [".Sh NAME", ".Nm kitfs.conf", ".Nd defaults for the options of kitfs", ".Sh DESCRIPTION"]
        lines += Mdoc.paragraphs(Self.description)
        lines += [".Sh KEYS"]
        lines += Mdoc.prose(
            "Each key is explained in the page of its command. The commands that have it follow in brackets.")
        lines += [".Bl -tag -width Ds"]
        for option in options {
            lines += [".It Li \(Mdoc.word(option.name))"]
            lines += Mdoc.prose("\(option.type). \(option.text) (\(option.commands.joined(separator: ", ")))")
        }
        lines += [".El", ".Sh ENVIRONMENT"]
        lines += Mdoc.list([("KITFS_CONF", "A file to read in place of the machine's and the user's.")])
        lines += [".Sh FILES"]
        lines += Mdoc.list(Self.files, macro: "Pa")
        lines += [".Sh EXAMPLES"] + Mdoc.example(Self.example)
        lines += [
            ".Sh SEE ALSO", ".Xr kitfs 1 ,", ".Xr kitfs-cache-prune 1 ,", ".Xr kitfs-mount 1 ,", ".Xr kitfs-settings 7",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static let description = """
        Settings files have defaults for options, in TOML. A key is a long option's name without its dashes. Its value is a \
        string, a number, true or false; for an option that may be repeated, it is an array of them. At the top of a file, \
        a key holds for all commands that have the option. In a table with a command's name, such as `[mount]` or \
        `[cache-prune]`, it holds for that command, and wins over the top.

        The user's file wins over the machine's, the environment over both, and the command line over all. There, `--no-` \
        before the name of a flag takes back what a file says. An error in a file is told with its line, and ends every \
        command with 1.

        The file of an instance of kitfs@.service, which `kitfs mount --config` reads, has the same keys, and also `ref` \
        and `dir`.
        """

    private static let files: [(term: String, text: String)] = [
        ("/etc/kitfs/kitfs.conf", "The machine's defaults."),
        ("/etc/kitfs/NAME.conf", "The mount of kitfs@NAME.service."),
        ("~/.config/kitfs/kitfs.conf", "The user's defaults; below XDG_CONFIG_HOME where that is set."),
    ]

    private static let example = [
        "cache = \"/srv/kitfs\"",
        "shared-cache = [\"/mnt/models/kitfs\"]",
        "timeout = 120",
        "",
        "[cache-prune]",
        "older-than = \"30d\"",
        "max-size = \"500GiB\"",
    ]

    private var options: [(name: String, type: String, text: String, commands: [String])] {
        var found: [String: (type: String, text: String, commands: [String])] = [:]
        for command in root.all where command.subcommands?.isEmpty ?? true {
            let words = command.spelled.split(separator: " ").dropFirst().joined(separator: "-")
            for argument in command.arguments ?? [] where argument.kind != .positional && argument.shouldDisplay {
                guard let name = argument.names?.first(where: { $0.kind == "long" })?.name,
                    !Self.excluded.contains(name)
                else { continue }
                let first = (type: Self.type(argument), text: argument.abstract ?? "", commands: [String]())
                found[name, default: first].commands.append(words)
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value.type, $0.value.text, $0.value.commands) }
    }

    private static func type(_ argument: ToolDump.Argument) -> String {
        if argument.isRepeating { return "An array of strings" }
        if argument.kind == .flag || argument.valueName == "true|false" { return "True or false" }
        return argument.defaultValue.flatMap { Double($0) } == nil ? "A string" : "A number"
    }
}
