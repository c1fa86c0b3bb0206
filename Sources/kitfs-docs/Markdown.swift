// SPDX-License-Identifier: Apache-2.0

/// A guide in Markdown, as far as the guides use it. Whatever else stands in one is an error, so that nothing is lost on
/// the way to the manual.
struct Markdown {
    enum Block: Equatable {
        /// From 2, since 1 is the title.
        case heading(level: Int, text: String)
        case paragraph(String)
        /// A picture that stands alone.
        case picture(text: String)
        case list([String])
        /// Each row has as many cells as the header.
        case table(header: [String], rows: [[String]])
        case code([String])
    }

    let title: String
    private(set) var blocks: [Block] = []

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter name: of the file, for errors.
    init(_ text: String, name: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = lines.first, first.hasPrefix("# ") else {
            throw Failure(description: "\(name):1: a guide begins with '# ' and its title")
        }
        title = String(first.dropFirst(2))
        var reader = Reader(lines: lines, next: 1, name: name)
        while let block = try reader.block() { blocks.append(block) }
    }

    /// Goes through the lines of a guide, a block at a time.
    private struct Reader {
        let lines: [String]
        var next: Int
        let name: String

        private var line: String? { next < lines.count ? lines[next] : nil }

        private func fail(_ reason: String, at place: Int? = nil) -> Failure {
            Failure(description: "\(name):\((place ?? next) + 1): \(reason)")
        }

        mutating func block() throws -> Block? {
            while let line, line.isEmpty || line.hasPrefix("<!--") {
                guard line.isEmpty || line.hasSuffix("-->") else { throw fail("a comment of several lines") }
                next += 1
            }
            guard let line else { return nil }
            if line.hasPrefix("#") { return try heading(line) }
            if line.hasPrefix("```") { return try code() }
            if line.hasPrefix("|") { return try table() }
            if line.hasPrefix("- ") { return try list() }
            if line.hasPrefix("![") { return try picture(line) }
            return .paragraph(try paragraph())
        }

        private mutating func heading(_ line: String) throws -> Block {
            guard let match = line.wholeMatch(of: #/(##|###) ([^ #].*)/#) else { throw fail("a heading of '\(line)'") }
            next += 1
            return .heading(level: match.1.count, text: String(match.2))
        }

        private mutating func code() throws -> Block {
            let start = next
            var rows: [String] = []
            next += 1
            while let line, line != "```" {
                rows.append(line)
                next += 1
            }
            guard line != nil else { throw fail("a block that does not end", at: start) }
            next += 1
            return .code(rows)
        }

        private mutating func table() throws -> Block {
            var rows: [[String]] = []
            while let line, line.hasPrefix("|") {
                guard line.hasSuffix("|"), line.count > 1 else { throw fail("a row that does not end in '|'") }
                let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                    .map(Self.trimmed)
                guard cells.count == rows.first?.count ?? cells.count, cells.count > 1 else {
                    throw fail("a row of \(cells.count) cells")
                }
                rows.append(cells)
                next += 1
            }
            guard rows.count > 2, rows[1].allSatisfy({ $0.allSatisfy { $0 == "-" } && !$0.isEmpty }) else {
                throw fail("a table without header or rows", at: next - rows.count)
            }
            return .table(header: rows[0], rows: Array(rows[2...]))
        }

        private static func trimmed(_ text: Substring) -> String {
            text.split(separator: " ").joined(separator: " ")
        }

        /// Items of one level, each of one paragraph whose further lines are indented by two.
        private mutating func list() throws -> Block {
            var items: [String] = []
            while let line, !line.isEmpty {
                if line.hasPrefix("- ") {
                    items.append(String(line.dropFirst(2)))
                } else if line.contains(#/^  (?![ +*-] |\d+[.)] )\S/#) {
                    items[items.count - 1] += " " + line.dropFirst(2)
                } else {
                    throw fail("'\(line)' in a list")
                }
                next += 1
            }
            return .list(items)
        }

        private mutating func picture(_ line: String) throws -> Block {
            guard let match = line.wholeMatch(of: #/!\[([^\[\]]+)\]\([^ ()]+\)/#) else {
                throw fail("a picture of '\(line)'")
            }
            next += 1
            return .picture(text: String(match.1))
        }

        private mutating func paragraph() throws -> String {
            var rows: [String] = []
            while let line, !line.isEmpty, !line.hasPrefix("<!--") {
                if line.contains(#/^( |\t|>|<|\||#|```|[*+-] |\d+[.)] |!\[|={3}|-{3}|\* )/#) {
                    throw fail("'\(line)' in a paragraph")
                }
                rows.append(line)
                next += 1
            }
            return rows.joined(separator: " ")
        }
    }
}
