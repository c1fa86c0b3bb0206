// SPDX-License-Identifier: Apache-2.0
private import MountRecords

/// `-o a,b=c`, as fstab and mount(8) write options.
enum MountTypeOptions {
    /// What mount(8) passes on or fstab holds for others than us. A kit is read-only, nosuid and nodev however it is
    /// mounted: what asks for less than that is not given it, what asks for it has it. mount(8) says `rw` on its own where
    /// nobody said anything.
    private static let foreign: Set<String> = [
        "ro", "rw", "defaults", "auto", "noauto", "user", "nouser", "users", "owner", "group", "nofail", "fail",
        "_netdev", "dev", "nodev", "suid", "nosuid", "exec", "atime", "noatime", "diratime", "nodiratime", "relatime",
        "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "sync", "async", "dirsync", "mand",
        "nomand", "silent", "loud", "iversion", "noiversion", "nosymfollow", "symfollow", "comment", "uhelper",
        "helper",
    ]

    /// Replaces each `-o` by the options that it names.
    static func expand(_ scan: inout CommandLineScan) throws {
        let command = scan.command
        scan.items = try scan.items.flatMap { item -> [CommandLineScan.Item] in
            guard case .option(let option, let value?) = item, option.spellings == ["-o"] else { return [item] }
            return try items(value, command)
        }
    }

    /// `isSloppy`: what is not known is passed over, as with `mount -s`.
    static func items(
        _ text: String, _ command: CommandCatalog.Command, isSloppy: Bool = false
    ) throws -> [CommandLineScan.Item] {
        try split(text).compactMap { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0].replacing("_", with: "-")
            if foreign.contains(parts[0]) || parts[0].lowercased().hasPrefix("x-") { return nil }
            guard let option = command.option(name), option.isShown, !["foreground", "help", "version"].contains(name)
            else {
                if isSloppy { return nil }
                throw CommandFailure(.usage, "-o \(parts[0]): there is no such option; `kitfs help mount` lists those")
            }
            let value = parts.count == 2 ? parts[1] : nil
            guard option.takesValue == (value != nil) else {
                throw CommandFailure(.usage, "-o \(word): \(option.takesValue ? "needs a value" : "takes no value")")
            }
            return .option(option, value: value)
        }
    }

    /// At commas that are neither quoted (`"a,b"`) nor escaped (`\,`).
    static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        var isEscaped = false
        for character in text {
            switch character {
            case _ where isEscaped:
                word += character == "," || character == "\\" || character == "\"" ? "" : "\\"
                word.append(character)
                isEscaped = false
            case "\\": isEscaped = true
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                words.append(word)
                word = ""
            default: word.append(character)
            }
        }
        words.append(isEscaped ? word + "\\" : word)
        return words.filter { !$0.isEmpty }
    }
}
