// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import TestSupport

struct ChartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "chart", abstract: "Draw results as SVG.")

    @Argument(help: "What `run` has written.") var results: String
    @Argument(help: "The file to be drawn.") var picture: String

    func run() throws {
        try writeFile(picture, Array(Chart(Report(json: readFile(results))).svg.utf8))
    }
}
