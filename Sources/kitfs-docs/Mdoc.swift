// SPDX-License-Identifier: Apache-2.0

/// Text as mdoc(7) wants it.
enum Mdoc {
    /// A word that is to come out as it stands, as an argument of a macro.
    static func word(_ text: String) -> String {
        let escaped = literal(text)
        // A word that is a macro's name would be called.
        let guarded = text.count <= 3 || text.allSatisfy(\.isPunctuation) ? "\\&" + escaped : escaped
        return guarded.contains(where: \.isWhitespace) ? "\"\(guarded.replacing("\"", with: "\\(dq"))\"" : guarded
    }

    /// Text to be copied and pasted: dashes, quotes, tildes and carets are those of ASCII.
    static func literal(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("'", with: "\\(aq")
            .replacing("`", with: "\\(ga").replacing("^", with: "\\(ha").replacing("~", with: "\\(ti")
    }

    /// Text that may have spaces and quotes, escaped already, as one argument of a macro that is called by nothing in it.
    static func argument(_ escaped: String) -> String { "\"\\&\(escaped.replacing("\"", with: "\\(dq"))\"" }

    /// Text that is typed as it stands.
    static func typed(_ text: String) -> String { "\\fB\(literal(text))\\fP" }

    /// Prose: a line for each sentence, as the language asks for. What stands in backquotes is literal.
    static func prose(_ text: String) -> [String] {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        return lines(of: parts.enumerated().map { $0 % 2 == 0 ? plain(String($1)) : typed(String($1)) }.joined())
    }

    /// What is escaped already, a line for each sentence.
    static func lines(of escaped: String) -> [String] { sentences(escaped).map(guarded) }

    /// A line as a manual's name section has it: no capital, no full stop.
    static func title(_ text: String) -> String {
        let isWord = text.dropFirst().first?.isLowercase ?? false
        let line = isWord ? text.prefix(1).lowercased() + text.dropFirst() : text
        return prose(line.hasSuffix(".") ? String(line.dropLast()) : line).joined(separator: " ")
    }

    /// In prose, words that begin with a dash are options, and are typed.
    static func plain(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            let start = word.drop { "([“".contains($0) }
            return start.hasPrefix("-") || start.hasPrefix("~") || start.hasPrefix("$") || word.contains("/")
                ? literal(String(word)) : String(word).replacing("\\", with: "\\e")
        }.joined(separator: " ")
    }

    /// Lines of a sentence each, and of at most some 80 bytes.
    private static func sentences(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        let words = text.split(separator: " ")
        for (place, word) in words.enumerated() {
            if line.utf8.count + word.utf8.count > 76 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? word : " " + word
            let next = place + 1 < words.count ? words[place + 1].first : nil
            if word.hasSuffix("."), next.map({ $0.isUppercase || $0 == "[" }) ?? false {
                lines.append(line)
                line = ""
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// A line that begins with a dot would be a request.
    private static func guarded(_ line: String) -> String {
        line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
    }

    /// Paragraphs, and what is indented in them as it stands.
    static func paragraphs(_ text: String) -> [String] {
        var lines: [String] = []
        for block in text.split(separator: "\n\n") {
            let rows = block.split(separator: "\n").map(String.init)
            if rows.allSatisfy({ $0.hasPrefix("  ") }) {
                lines += example(rows.map { String($0.dropFirst(2)) })
            } else {
                lines += (lines.isEmpty ? [] : [".Pp"]) + prose(rows.joined(separator: " "))
            }
        }
        return lines
    }

    static func example(_ rows: [String]) -> [String] {
        [".Bd -literal -offset indent"] + rows.map { guarded(literal($0)) } + [".Ed"]
    }

    /// A list of words, each with what it means.
    static func list(_ items: [(term: String, text: String)], macro: String = "Ev", width: String = "Ds") -> [String] {
        [".Bl -tag -width \(width)"]
            + items.flatMap { [".It \(macro) \(word($0.term))"] + prose($0.text) } + [".El"]
    }
}
