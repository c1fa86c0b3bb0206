// SPDX-License-Identifier: Apache-2.0
private import HostSystem
private import MountRecords
private import Registry
private import TOMLKit

/// A settings file: TOML, in which the keys are options' names. At the top those of any command; in a table with a
/// command's name those of that one, which count more.
struct SettingsFile {
    struct Setting: Equatable {
        let name: String
        /// What it says, as it would be written on the command line. Of a flag: `true` or `false`.
        let values: [String]
        let file: String
        /// For messages: the table it is in.
        let table: String?

        var location: String { "\(file): \(table.map { "[\($0)] " } ?? "")\(name)" }
    }

    let path: String
    private let top: [Setting]
    private let tables: [String: [Setting]]
    private let text: String

    /// Throws `CommandFailure` with file and line if it is not there, or no TOML.
    init(_ path: String) throws {
        self.path = path
        let bytes: [UInt8]
        switch TextFile.contents(of: path) {
        case .success(let found): bytes = found
        case .failure(let error): throw CommandFailure(.failed, "\(path): \(error)")
        }
        if let line = TOMLGuard.unreadableLine(of: bytes) {
            throw CommandFailure(.failed, "\(path): line \(line) is not TOML: see what its brackets hold")
        }
        text = String(decoding: bytes, as: UTF8.self)
        var top: [Setting] = []
        var tables: [String: [Setting]] = [:]
        do {
            let file = try TOMLTable(string: text)
            for key in file.keys {
                guard let value = file[key] else { continue }
                if let table = value.table {
                    tables[key] = try table.keys.compactMap { name in
                        try table[name].map { try Self.setting(name, $0, path, table: key) }
                    }
                } else {
                    top.append(try Self.setting(key, value, path, table: nil))
                }
            }
        } catch let error as TOMLParseError {
            throw CommandFailure(
                .failed, "\(path): line \(error.source.begin.line): \(error.description)")
        }
        self.top = top
        self.tables = tables
    }

    private static func setting(
        _ name: String, _ value: any TOMLValueConvertible, _ path: String, table: String?
    ) throws -> Setting {
        let values: [String?] = value.array.map { $0.map(Self.text) } ?? [Self.text(value)]
        let setting = Setting(name: name, values: values.compactMap { $0 }, file: path, table: table)
        guard setting.values.count == values.count else {
            throw CommandFailure(
                .failed, "\(setting.location) takes a string, a number, true or false, or a list of them")
        }
        return setting
    }

    private static func text(_ value: any TOMLValueConvertible) -> String? {
        switch value.type {
        case .string: value.string
        case .int: value.int.map { "\($0)" }
        case .bool: value.bool.map { "\($0)" }
        default: nil
        }
    }

    /// What it says for a command, the more important last. Everything in the file is looked at: what is wrong is told
    /// by whichever command comes first. `extra`: names that are allowed at the top beside options.
    func settings(for command: CommandCatalog.Command, _ catalog: CommandCatalog, extra: [String] = []) throws
        -> [Setting]
    {
        for setting in top where !extra.contains(setting.name) {
            let options = catalog.commands.compactMap { $0.option(setting.name) }
            try check(setting, options.first { $0.isRepeating } ?? options.first)
        }
        for (name, settings) in tables {
            guard let command = catalog.command(table: name) else {
                let known = catalog.commands.map(\.table).joined(separator: ", ")
                throw CommandFailure(.failed, "\(path)\(line(of: "[\(name)]")): no command is called \(name): \(known)")
            }
            for setting in settings { try check(setting, command.option(setting.name)) }
        }
        let own = tables[command.table] ?? []
        return top.filter { extra.contains($0.name) || command.option($0.name) != nil } + own
    }

    private static let unsettable: Set<String> = ["help", "version", "config"]

    private func check(_ setting: Setting, _ option: CommandCatalog.Option?) throws {
        func fail(_ reason: String) throws -> Never {
            throw CommandFailure(.failed, "\(path)\(line(of: setting.name)): \(reason)")
        }
        let name = setting.table.map { "[\($0)] \(setting.name)" } ?? setting.name
        guard let option, option.isShown, option.name.count > 1, !Self.unsettable.contains(option.name) else {
            try fail("\(name) is no option of \(setting.table.map { "kitfs \($0)" } ?? "any command")")
        }
        if !option.takesValue, setting.values != ["true"], setting.values != ["false"] {
            try fail("\(name) is true or false")
        }
        if setting.values.count != 1, !option.isRepeating { try fail("\(name) takes one value") }
    }

    /// `: line N` where a key or table first stands at the start of a line.
    private func line(of key: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = lines.firstIndex { line in
            let line = line.drop { $0 == " " || $0 == "\t" || $0 == "\"" }
            guard line.hasPrefix(key) else { return false }
            return line.dropFirst(key.count).first.map { " =\t\"#\r".contains($0) } ?? true
        }
        return start.map { ": line \($0 + 1)" } ?? ""
    }
}
