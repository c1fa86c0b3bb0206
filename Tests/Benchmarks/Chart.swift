// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A bar for each row with a target: how many times better than that it is, on a logarithmic scale. To the right of the
/// line in the middle the target is met.
struct Chart {
    private static let width = 980
    private static let rowHeight = 26
    private static let top = 34
    /// Where texts end and bars begin, and the target's line.
    private static let bars = 560
    private static let middle = 660
    /// Pixels for a factor of 2.
    private static let doubling = 40.0

    private let rows: [RowResult]
    private let footer: String

    init(_ report: Report) {
        rows = report.rows.filter { $0.target != nil }
        footer = "\(report.machine.text); scale \(report.scale), medians of \(report.rounds)"
    }

    /// Colours that can be read on white and on black, since a picture in a page does not know its theme for sure.
    var svg: String {
        let height = Self.top + rows.count * Self.rowHeight + 40
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
        svg += text(Self.middle, 18, "target", anchor: "middle", style: "faint")
        svg += text(Self.middle + 60, 18, "better →", anchor: "start", style: "faint")
        for (place, row) in rows.enumerated() { svg += bar(row, y: Self.top + place * Self.rowHeight) }
        let end = Self.top + rows.count * Self.rowHeight
        svg += "<line class=\"line\" x1=\"\(Self.middle)\" x2=\"\(Self.middle)\" y1=\"24\" y2=\"\(end)\"/>\n"
        svg += text(8, end + 26, footer, anchor: "start", style: "faint")
        return svg + "</svg>\n"
    }

    private func bar(_ row: RowResult, y: Int) -> String {
        let label = row.work + (row.target?.isOfRatio == true ? ", against \(row.peer ?? "")" : "")
        var svg = text(Self.bars - 8, y + 16, Self.cut(label, 92), anchor: "end", style: "label")
        guard let reached = row.reached, let value = row.target?.isOfRatio == true ? row.ratio : row.kitfs else {
            return svg + text(Self.middle + 8, y + 16, "not measured", anchor: "start", style: "faint")
        }
        let length = min(200, max(-95, (log2(reached) * Self.doubling).rounded()))
        let shown = max(2, Int(abs(length)))
        let style = row.isMet == true ? "met" : "missed"
        let x = length < 0 ? Self.middle - shown : Self.middle
        svg += "<rect class=\"\(style)\" x=\"\(x)\" y=\"\(y + 4)\" width=\"\(shown)\" height=\"16\" rx=\"2\"/>\n"
        let number = row.target?.isOfRatio == true ? Quantity.short(value) : row.quantity.text(value)
        svg += text(
            Self.middle + max(0, Int(length)) + 8, y + 16, "\(number) (\(row.targetText))", anchor: "start",
            style: "label")
        return svg
    }

    private func text(_ x: Int, _ y: Int, _ text: String, anchor: String, style: String) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text class=\"\(style)\" x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(escaped)</text>\n"
    }

    private static func cut(_ text: String, _ count: Int) -> String {
        text.count <= count ? text : text.prefix(count - 1) + "…"
    }
}
