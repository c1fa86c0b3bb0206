// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// The names declared in Swift files below a directory: types, and what those files declare beside them.
struct SourceNames {
    /// For each type, the functions, properties and cases of all files that declare or extend it.
    private(set) var members: [Substring: Set<Substring>] = [:]
    /// The types that are declared, and not only extended.
    private(set) var types: Set<Substring> = []

    static let sources = Result { try SourceNames(below: Documents.root + "/Sources") }
    static let tests = Result { try SourceNames(below: Documents.root + "/Tests") }

    /// Prints `FILE KEYWORD NAME` for each declaration. Lines that are comments are skipped.
    private static let awk = #"""
        !/^ *\/\// {
            rest = $0
            while (match(rest, /(class|struct|enum|protocol|typealias|extension|func|var|let|case) +[A-Za-z][A-Za-z0-9]*/)) {
                print FILENAME, substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
            }
        }
        """#

    init(below directory: String) throws {
        let output = try Command.check("find", [directory, "-name", "*.swift", "-exec", "awk", Self.awk, "{}", "+"])
        var declared: [Substring: (types: Set<Substring>, members: Set<Substring>)] = [:]
        for line in output.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3 else { throw TestSupportError("'\(line)' is no declaration") }
            switch words[1] {
            case "func", "var", "let", "case": declared[words[0], default: ([], [])].members.insert(words[2])
            default:
                declared[words[0], default: ([], [])].types.insert(words[2])
                if words[1] != "extension" { types.insert(words[2]) }
            }
        }
        for file in declared.values {
            for type in file.types { members[type, default: []].formUnion(file.members) }
        }
    }

    func has(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        guard types.contains(parts[0]) else { return false }
        return parts.count == 1 || members[parts[0], default: []].contains(parts[1])
    }
}
