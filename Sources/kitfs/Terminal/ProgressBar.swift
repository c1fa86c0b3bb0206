// SPDX-License-Identifier: Apache-2.0
private import MountRecords

/// A progress bar in ASCII: `[=======>      ]  48%`.
enum ProgressBar {
    /// Cells of a line for the bar and for the name before it. The text after the bar matters more than a long name.
    static func layout(columns: Int) -> (bar: Int, name: Int) {
        let bar = columns < 60 ? 10 : 20
        return (bar, min(36, max(12, columns - bar - 46)))
    }

    /// `cells` between the brackets, 1 or more.
    static func text(_ part: UInt64, of whole: UInt64, cells: Int) -> String {
        let share = whole == 0 ? 1 : min(1, Double(part) / Double(whole))
        let filled = Int(share * Double(cells))
        let head = filled > 0 && filled < cells ? ">" : ""
        let bar = String(repeating: "=", count: max(0, filled - head.count)) + head
        let percent = "\(ByteCount.percent(part, of: whole))%"
        return "[\(TableText.padded(bar, to: cells))] \(String(repeating: " ", count: 4 - percent.count))\(percent)"
    }
}
