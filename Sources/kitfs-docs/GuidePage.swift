// SPDX-License-Identifier: Apache-2.0

/// A page of section 7: a guide of Sources/Manual, which is also read as it is, on the web.
struct GuidePage {
    /// As the file is called, without its ending.
    let topic: String
    let guide: Markdown
    /// Those that there are, to link to.
    let topics: [String]
    let edition: Edition

    var name: String { Self.page(topic) + ".7" }
    /// The title as a manual's name section has it.
    var title: String { Mdoc.title(guide.title) }

    static func page(_ topic: String) -> String { "kitfs-" + topic }

    func text() throws -> String {
        var lines = edition.header(Self.page(topic), section: 7, source: "Sources/Manual/\(topic).md")
        lines += [".Sh NAME", ".Nm \(Self.page(topic))", ".Nd \(title)"]
        lines += try body()
        lines += [".Sh SEE ALSO"] + seeAlso
        return lines.joined(separator: "\n") + "\n"
    }

    private func body() throws -> [String] {
        var lines = [".Sh DESCRIPTION"]
        // A paragraph needs no space before it that a heading has made.
        var isFirst = true
        for block in guide.blocks {
            var made: [String]
            switch block {
            case .heading(let level, let text):
                made = [level == 2 ? ".Sh \(Mdoc.argument(text.uppercased()))" : ".Ss \(Mdoc.argument(text))"]
            case .paragraph(let text): made = (isFirst ? [] : [".Pp"]) + (try prose(text))
            case .picture(let text): made = (isFirst ? [] : [".Pp"]) + Mdoc.prose("[Picture: \(text)]")
            case .list(let items):
                made = [".Bl -bullet"] + (try items.flatMap { [".It"] + (try prose($0)) }) + [".El"]
            case .table(let header, let rows): made = try table(header, rows)
            case .code(let rows): made = Mdoc.example(rows)
            }
            if case .heading = block { isFirst = true } else { isFirst = false }
            lines += made
        }
        return lines
    }

    /// A list of the rows by their first cells, the header first. Of several others, each says which it is.
    private func table(_ header: [String], _ rows: [[String]]) throws -> [String] {
        var lines = [".Bl -tag -width Ds", ".It \(Mdoc.argument("\\fI" + (try escaped(header[0])) + "\\fP"))"]
        lines += Mdoc.lines(of: "\\fI" + (try escaped(header[1...].joined(separator: "; "))) + "\\fP")
        for row in rows {
            lines.append(".It \(Mdoc.argument(try escaped(row[0])))")
            if row.count == 2 {
                lines += try prose(row[1])
            } else {
                for (place, cell) in row.enumerated().dropFirst() {
                    lines += (place > 1 ? [".Pp"] : []) + (try prose("\(header[place]): \(cell)"))
                }
            }
        }
        return lines + [".El"]
    }

    private func prose(_ text: String) throws -> [String] { Mdoc.lines(of: try escaped(text)) }

    /// One line, as roff is to read it.
    private func escaped(_ text: String) throws -> String {
        try MarkdownSpan.spans(of: text, name: topic + ".md").map { span in
            switch span {
            case .text(let text): Mdoc.plain(text)
            case .code(let text): Mdoc.typed(text)
            case .strong(let text): Mdoc.typed(text)
            case .link(let text, let target): Mdoc.plain(text) + (try Self.address(target, topics, topic))
            }
        }.joined()
    }

    private static func address(_ target: String, _ topics: [String], _ topic: String) throws -> String {
        if target.hasPrefix("https://") { return " <\(Mdoc.literal(target))>" }
        if target.hasSuffix(".md"), !target.contains("/") {
            let other = String(target.dropLast(3))
            guard topics.contains(other) else {
                throw Markdown.Failure(description: "\(topic).md: there is no guide '\(target)'")
            }
            return " (\(Mdoc.typed(page(other)))(7))"
        }
        guard target.hasPrefix("../../") else {
            throw Markdown.Failure(description: "\(topic).md: a link to '\(target)' means nothing in a manual")
        }
        return " (\(Mdoc.literal(String(target.dropFirst(6)))) in the sources)"
    }

    private var seeAlso: [String] {
        let others = topics.filter { $0 != topic }.map { Self.page($0) + " 7" }
        let all = ["kitfs 1", "kitfs.conf 5"] + others
        return all.enumerated().map { place, page in ".Xr \(page)" + (place + 1 < all.count ? " ," : "") }
    }
}
