// SPDX-License-Identifier: Apache-2.0

/// A piece of a line of a guide.
enum MarkdownSpan: Equatable {
    case text(String)
    case code(String)
    case strong(String)
    case link(text: String, target: String)

    /// - Parameter name: of the file, for errors.
    static func spans(of text: String, name: String) throws -> [MarkdownSpan] {
        var spans: [MarkdownSpan] = []
        var plain = ""
        var rest = Substring(text)
        func fail(_ reason: String) -> Markdown.Failure {
            Markdown.Failure(description: "\(name): \(reason) in '\(text)'")
        }
        while let character = rest.first {
            let span: MarkdownSpan?
            if character == "`" {
                guard let match = rest.prefixMatch(of: #/`([^`]+)`/#) else {
                    throw fail("a backquote that does not end")
                }
                span = .code(String(match.1))
                rest = rest[match.range.upperBound...]
            } else if rest.hasPrefix("**") {
                guard let match = rest.prefixMatch(of: #/\*\*([^*]+)\*\*/#) else {
                    throw fail("'**' that does not end")
                }
                span = .strong(String(match.1))
                rest = rest[match.range.upperBound...]
            } else if character == "[" {
                guard let match = rest.prefixMatch(of: #/\[([^\[\]]+)\]\(([^ ()]+)\)/#) else { throw fail("a '['") }
                span = .link(text: String(match.1), target: String(match.2))
                rest = rest[match.range.upperBound...]
            } else {
                // Within a word, an underscore is one.
                let isInWord =
                    plain.last.map { $0.isLetter } ?? false && rest.dropFirst().first.map { $0.isLetter } ?? false
                guard !#"*_<>\"#.contains(character) || character == "_" && isInWord else {
                    throw fail("a '\(character)'")
                }
                span = nil
                plain.append(character)
                rest = rest.dropFirst()
            }
            guard let span else { continue }
            if !plain.isEmpty { spans.append(.text(plain)) }
            plain = ""
            spans.append(span)
        }
        return plain.isEmpty ? spans : spans + [.text(plain)]
    }
}
