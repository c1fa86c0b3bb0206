// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import TestSupport

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measure all rows, or some of them, and print a table.")

    @Argument(help: "Rows to be measured, by their names or beginnings of them. [default: all]") var rows: [String] = []
    @Option(help: "How large the inputs are; targets are for full.") var scale = Scale.full
    @Option(help: "Runs of each side.") var rounds = 5
    @Option(help: "The kitfs to be measured.") var kitfs = ".build/kitfs"
    @Option(help: "The Python environment that has ratarmount.") var peers = ".build/bench-venv"
    @Option(help: "Where to write the results as JSON.") var output: String?
    @Flag(help: "List the rows and measure nothing.") var list = false

    func run() throws {
        let chosen = try chosenRows()
        if list {
            for row in chosen { print("\(row.name): \(row.work)") }
            return
        }
        Interruption.watch()
        let ground = try Ground(scale: scale, rounds: rounds, kitfs: kitfs, peers: Peers(environment: peers))
        var report = Report(scale: scale, rounds: rounds, machine: Machine(), peers: ground.peers.versions)
        if let load = report.machine.load.first, load > Double(report.machine.cores) / 2 {
            say("The machine is busy (load \(load)): take the times for rough.")
        }
        for row in chosen {
            say("\(row.name): \(row.work)")
            let result = Self.measure(row, on: ground)
            say("  " + Report.line(result).dropFirst().joined(separator: "  "))
            report.rows.append(result)
            // Writes the results so far, in case a later row fails.
            if let output { try writeFile(output, try report.json) }
        }
        print("\n" + report.table)
    }

    private func chosenRows() throws -> [Row] {
        let all = Row.all(scale)
        guard !rows.isEmpty else { return all }
        return try rows.flatMap { name in
            let exact = all.filter { $0.name == name }
            let found = exact.isEmpty ? all.filter { $0.name.hasPrefix(name) } : exact
            guard !found.isEmpty else { throw ValidationError("no row \(name); --list lists them") }
            return found
        }
    }

    private static func measure(_ row: Row, on ground: Ground) -> RowResult {
        do {
            return RowResult(row, try row.measure(ground))
        } catch {
            return RowResult(row, missing: "\(error)".split(separator: "\n").joined(separator: " "))
        }
    }
}

/// Prints a line at once, even if the output is a file or a pipe.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
