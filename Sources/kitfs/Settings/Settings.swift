// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
internal import MountRecords

/// Adds settings files to a command line: the machine's, the user's, and one that the command line names. The command
/// line and the environment win over them.
struct Settings {
    /// The variable that names a file in place of the machine's and the user's.
    static let variable = "KITFS_CONF"
    static let system = "/etc/kitfs/kitfs.conf"

    /// Options that an environment variable speaks for.
    private static let variables: [String: [String]] = [
        "cache": ["KITFS_CACHE"], "cert": ["KITOPS_CLIENT_CERT"], "key": ["KITOPS_CLIENT_KEY"],
        "authfile": ["REGISTRY_AUTH_FILE"],
        "proxy": ["https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"],
    ]

    /// Options of which one takes the place of the others.
    private static let alternatives: [Set<String>] = [["all", "max-size", "older-than"]]

    /// The command line with what is added.
    let arguments: [String]
    private let scan: CommandLineScan?
    private let added: [(setting: SettingsFile.Setting, words: [String])]

    /// Throws `CommandFailure`, exit code 1, with the file and what in it is wrong.
    init(_ arguments: [String]) throws {
        let paths = Self.paths
        let needsCatalog =
            !paths.isEmpty
            || arguments.contains { word in ["-o", "--config", "--no-"].contains(where: word.hasPrefix) }
        guard needsCatalog, arguments.contains(where: { !$0.hasPrefix("-") }) else {
            (self.arguments, scan, added) = (arguments, nil, [])
            return
        }
        let catalog = try CommandCatalog.ofKitfs()
        guard let command = catalog.command(of: arguments) else {
            (self.arguments, scan, added) = (arguments, nil, [])
            return
        }
        var scan = CommandLineScan(arguments, command)
        guard !scan.asksForHelp else {
            (self.arguments, self.scan, added) = (arguments, nil, [])
            return
        }
        try MountTypeOptions.expand(&scan)
        let negated = scan.takeNegations()
        var found: [String: SettingsFile.Setting] = [:]
        for path in paths {
            for setting in try SettingsFile(path).settings(for: command, catalog) { found[setting.name] = setting }
        }
        if let path = scan.value(of: "config") {
            let settable = scan.hasPositionals ? [] : command.positionals
            for setting in try SettingsFile(path).settings(for: command, catalog, extra: command.positionals) {
                if !command.positionals.contains(setting.name) || settable.contains(setting.name) {
                    found[setting.name] = setting
                }
            }
        }
        var said = scan.names.union(negated).union(Self.said(by: Environment.nonEmpty))
        for names in Self.alternatives where !said.isDisjoint(with: names) { said.formUnion(names) }
        added = found.values.filter { !said.contains($0.name) }.sorted { $0.name < $1.name }.map { setting in
            (setting, Self.words(setting, command))
        }
        self.scan = scan
        self.arguments = Self.put(added.flatMap(\.words), into: scan, positionals: added.map(\.setting))
    }

    /// The settings files that exist or were named, the more important last.
    private static var paths: [String] {
        if let path = Environment.nonEmpty(variable) { return [path] }
        let home = Environment.nonEmpty("HOME").map { $0 + "/.config" }
        let user = (Environment.nonEmpty("XDG_CONFIG_HOME") ?? home).map { $0 + "/kitfs/kitfs.conf" }
        return [system, user].compactMap { $0 }.filter { access($0, F_OK) == 0 }
    }

    private static func said(by environment: (String) -> String?) -> Set<String> {
        Set(variables.filter { $0.value.contains { environment($0) != nil } }.keys)
    }

    private static func words(_ setting: SettingsFile.Setting, _ command: CommandCatalog.Command) -> [String] {
        guard let option = command.option(setting.name) else { return [] }
        guard option.takesValue else { return setting.values == ["true"] ? ["--\(option.name)"] : [] }
        return setting.values.map { "--\(option.name)=\($0)" }
    }

    /// Puts them before what was typed, which the parser prefers.
    private static func put(_ words: [String], into scan: CommandLineScan, positionals settings: [SettingsFile.Setting])
        -> [String]
    {
        let command = scan.command
        let positionals = command.positionals.compactMap { name in settings.first { $0.name == name }?.values.first }
        return command.path + words + positionals + scan.arguments.dropFirst(command.depth)
    }

    /// The failure with its file and setting, if a file caused what the parser reports. `complaint` parses a command
    /// line and returns what is wrong with it.
    func blame(_ complaint: ([String]) -> String?) -> CommandFailure? {
        guard let scan, !added.isEmpty else { return nil }
        let settings = added.map(\.setting)
        let bare = complaint(Self.put([], into: scan, positionals: settings))
        for (setting, words) in added where !words.isEmpty {
            if let found = complaint(Self.put(words, into: scan, positionals: settings)), found != bare {
                return CommandFailure(.failed, "\(setting.location): \(found)")
            }
        }
        return nil
    }
}

extension CommandLineScan {
    /// The last one given.
    func value(of name: String) -> String? {
        items.reversed().lazy.compactMap { item -> String? in
            guard case .option(let option, let value) = item, option.name == name else { return nil }
            return value
        }.first
    }
}
