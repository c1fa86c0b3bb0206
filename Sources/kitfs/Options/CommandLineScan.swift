// SPDX-License-Identifier: Apache-2.0

/// A command line split into options and arguments. The parser validates it later.
struct CommandLineScan {
    enum Item {
        case option(CommandCatalog.Option, value: String?)
        case positional(String)
        /// A word that only the parser knows.
        case other(String)
    }

    let command: CommandCatalog.Command
    var items: [Item] = []
    /// From `--` on.
    private let rest: [String]

    /// `arguments` start with the command.
    init(_ arguments: [String], _ command: CommandCatalog.Command) {
        self.command = command
        var words = arguments.dropFirst(command.depth).prefix { $0 != "--" }
        rest = Array(arguments.dropFirst(command.depth + words.count))
        while let word = words.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                items.append(.positional(word))
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if let option = command.option(spelled: word) {
                items.append(.option(option, value: option.takesValue ? words.popFirst() : nil))
            } else if parts.count == 2, let option = command.option(spelled: parts[0]), option.takesValue {
                items.append(.option(option, value: parts[1]))
            } else if !word.hasPrefix("--"), let option = command.option(spelled: String(word.prefix(2))),
                option.takesValue
            {
                items.append(.option(option, value: String(word.dropFirst(2))))
            } else {
                items.append(contentsOf: Self.flags(word, command) ?? [.other(word)])
            }
        }
    }

    /// Several flags behind one dash.
    private static func flags(_ word: String, _ command: CommandCatalog.Command) -> [Item]? {
        guard !word.hasPrefix("--") else { return nil }
        let options = word.dropFirst().map { command.option(spelled: "-\($0)") }
        guard options.allSatisfy({ $0.map { !$0.takesValue } ?? false }) else { return nil }
        return options.compactMap { $0 }.map { .option($0, value: nil) }
    }

    /// The command line again.
    var arguments: [String] { command.path + items.flatMap(Self.words) + rest }

    static func words(_ item: Item) -> [String] {
        switch item {
        case .positional(let word), .other(let word): return [word]
        case .option(let option, let value):
            guard let spelling = option.spellings.first(where: { $0.hasPrefix("--") }) else {
                return [option.spellings[0]] + (value.map { [$0] } ?? [])
            }
            guard let value else { return [spelling] }
            return ["\(spelling)=\(value)"]
        }
    }

    var names: Set<String> {
        Set(
            items.compactMap { item in
                guard case .option(let option, _) = item else { return nil }
                return option.name
            })
    }

    var hasPositionals: Bool {
        items.contains { item in
            if case .positional = item { true } else { false }
        }
    }

    /// Help, and the like: what is answered without the command being run.
    var asksForHelp: Bool {
        !names.isDisjoint(with: ["help", "version"])
            || items.contains { item in
                guard case .other(let word) = item else { return false }
                return word.hasPrefix("--generate-completion-script") || word.hasPrefix("--experimental-")
            }
    }

    /// `--no-FLAG` takes back what a settings file says of a flag. Returns those flags.
    mutating func takeNegations() -> Set<String> {
        var names: Set<String> = []
        items.removeAll { item in
            guard case .other(let word) = item, word.hasPrefix("--no-"),
                let flag = command.option(String(word.dropFirst(5))), !flag.takesValue
            else { return false }
            names.insert(flag.name)
            return true
        }
        return names
    }
}
