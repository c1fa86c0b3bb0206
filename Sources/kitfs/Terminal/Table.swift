// SPDX-License-Identifier: Apache-2.0

/// Rows in columns, as wide as their widest cell.
struct Table {
    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String { lines.map { $0 + "\n" }.joined() }

    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.count > column ? TableText.width($0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : TableText.padded(cell, to: widths[column])
            }
            return cells.joined(separator: "  ")
        }
    }
}
