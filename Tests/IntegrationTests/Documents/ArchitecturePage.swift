// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// Sources/README.md as the tests read it. A comment marks each table and each list of one-line items.
struct ArchitecturePage {
    static let name = "Sources/README.md"
    let text: String

    init(_ text: String) { self.text = text }

    /// Each target and those of ours that it depends on, sorted. The page has lines of the form `Target: dependency,
    /// dependency`.
    func arrows() throws -> [String: [String]] {
        let lines = try marked("arrows").drop { $0 != "```" }.dropFirst().prefix { $0 != "```" }
        var arrows: [String: [String]] = [:]
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, arrows[String(parts[0])] == nil else {
                throw TestSupportError("'\(line)' is no arrow")
            }
            arrows[String(parts[0])] = parts[1].split { $0 == " " || $0 == "," }.map(String.init).sorted()
        }
        return arrows
    }

    /// The targets in the order of the arrows' lines.
    func order() throws -> [String] {
        try marked("arrows").drop { $0 != "```" }.dropFirst().prefix { $0 != "```" }
            .map { String($0.prefix { $0 != ":" }) }
    }

    /// The cells of a table's rows, without the header.
    func table(_ mark: String) throws -> [[String]] {
        let rows = try marked(mark).prefix { $0.hasPrefix("|") }.dropFirst(2)
        return rows.map { row in
            row.dropFirst().dropLast().split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
        }
    }

    /// The names of types and members in a text, as `Type` or `Type.member`.
    static func names(in text: String) -> [String] {
        text.matches(of: #/`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)?)`/#).map { String($0.output.1) }
            .filter { !$0.hasSuffix(".swift") }
    }

    /// The names in the whole page, without its diagrams.
    var names: [String] { Self.names(in: text) }

    private func marked(_ mark: String) throws -> ArraySlice<Substring> {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let place = lines.firstIndex(of: "<!-- \(mark) -->") else {
            throw TestSupportError("\(Self.name) has no '\(mark)'")
        }
        return lines[(place + 1)...]
    }
}
