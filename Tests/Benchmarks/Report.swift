// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// The results of a run, and the machine that it ran on.
struct Report: Codable {
    let scale: String
    let rounds: Int
    let machine: Machine
    /// Versions by the peers' names. Peers that are not installed are left out.
    let peers: [String: String]
    var rows: [RowResult] = []

    init(scale: Scale, rounds: Int, machine: Machine, peers: [String: String]) {
        (self.scale, self.rounds, self.machine, self.peers) = (scale.rawValue, rounds, machine, peers)
    }

    init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(json))
    }

    var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        }
    }

    /// The cells of the table: row, work, kitfs, peer, ratio, target, met or not.
    static func line(_ row: RowResult) -> [String] {
        if let missing = row.missing {
            return [row.row, row.work, "-", "-", "-", row.targetText, "not measured: \(missing)"]
        }
        let kitfs = row.kitfs.map { row.quantity.text($0) } ?? ""
        let peer = row.peerValue.map { "\(row.quantity.text($0)) (\(row.peer ?? ""))" } ?? ""
        let met = row.isMet.map { $0 ? "met" : "MISSED" } ?? ""
        return [row.row, row.work, kitfs, peer, row.ratio.map { Quantity.short($0) } ?? "", row.targetText, met]
    }

    var table: String {
        let head = ["row", "work", "kitfs", "peer", "ratio", "target", "met"]
        let lines = [head] + rows.map(Self.line)
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        let table = lines.map { line in
            let cells = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
        return table.joined(separator: "\n") + "\n\n\(scale), medians of \(rounds); \(machine.text)\n"
    }
}
