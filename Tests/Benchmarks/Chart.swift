// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A bar for each row with a target, which shows on a logarithmic scale how many times better than the target the row
/// is. Right of the line in the middle, the target is met. Below the bars are the numbers of rows without a target.
struct Chart {
    private static let width = 980
    private static let rowHeight = 26
    private static let lineHeight = 18
    private static let top = 34
    /// The x positions where texts end and bars begin, and of the target's line.
    private static let bars = 560
    private static let middle = 660
    /// Pixels for a factor of 2.
    private static let doubling = 40.0

    private let rows: [RowResult]
    private let others: [RowResult]
    private let footer: String

    init(_ report: Report) {
        rows = report.rows.filter { $0.target != nil }
        others = report.rows.filter { $0.target == nil }
        footer = "\(report.machine.text); scale \(report.scale), medians of up to \(report.rounds)"
    }

    /// Its colours can be read on white and on black, since an embedded picture does not know the page's theme for
    /// sure.
    var svg: String {
        let end = Self.top + rows.count * Self.rowHeight
        let last = end + (others.isEmpty ? 0 : 16 + others.count * Self.lineHeight)
        let height = last + 40
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.width)" height="\(height)" \
            viewBox="0 0 \(Self.width) \(height)" role="img" aria-label="kitfs against its targets">
            <style>
            text { font: 12px system-ui, sans-serif; fill: #57606a }
            .faint { fill: #6e7781; font-size: 11px }
            .met { fill: #2da44e }
            .missed { fill: #d4722a }
            .line { stroke: #6e7781; stroke-width: 1 }
            @media (prefers-color-scheme: dark) { text { fill: #adbac7 } .faint { fill: #8b949e } }
            </style>

            """
        svg += Self.text(Self.middle, 18, "target", anchor: "middle", style: "faint")
        svg += Self.text(Self.middle + 60, 18, "better →", style: "faint")
        for (place, row) in rows.enumerated() { svg += Self.bar(row, y: Self.top + place * Self.rowHeight) }
        svg += "<line class=\"line\" x1=\"\(Self.middle)\" x2=\"\(Self.middle)\" y1=\"24\" y2=\"\(end)\"/>\n"
        for (place, row) in others.enumerated() {
            svg += Self.number(row, y: end + 16 + (place + 1) * Self.lineHeight)
        }
        svg += Self.text(8, last + 26, footer, style: "faint")
        return svg + "</svg>\n"
    }

    private static func bar(_ row: RowResult, y: Int) -> String {
        let label = row.work + (row.target?.isOfRatio == true ? ", against \(row.peer ?? "")" : "")
        let svg = text(bars - 8, y + 16, cut(label), anchor: "end")
        guard let reached = row.reached, let value = row.target?.isOfRatio == true ? row.ratio : row.kitfs else {
            return svg + text(middle + 8, y + 16, "not measured", style: "faint")
        }
        let length = Int(min(200, max(-95, (log2(max(reached, 1e-6)) * doubling).rounded())))
        let shown = max(2, abs(length))
        let x = length < 0 ? middle - shown : middle
        let style = row.isMet == true ? "met" : "missed"
        let number = row.target?.isOfRatio == true ? Quantity.short(value) : row.quantity.text(value)
        return svg
            + "<rect class=\"\(style)\" x=\"\(x)\" y=\"\(y + 4)\" width=\"\(shown)\" height=\"16\" rx=\"2\"/>\n"
            + text(middle + max(0, length) + 8, y + 16, "\(number) (\(row.targetText))")
    }

    private static func number(_ row: RowResult, y: Int) -> String {
        guard let kitfs = row.kitfs else { return "" }
        let peer = row.peerValue.map { "; \(row.peer ?? ""): \(row.quantity.text($0))" } ?? ""
        return text(bars - 8, y, cut(row.work), anchor: "end", style: "faint")
            + text(bars + 8, y, row.quantity.text(kitfs) + peer, style: "faint")
    }

    private static func text(_ x: Int, _ y: Int, _ text: String, anchor: String = "start", style: String = "") -> String
    {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text class=\"\(style)\" x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(escaped)</text>\n"
    }

    /// The text, cut to the room there is.
    private static func cut(_ text: String) -> String { text.count <= 84 ? text : text.prefix(83) + "…" }
}
