// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `make bench`: the cost of a mount, compared with what one would use instead.
@main
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Benchmarks",
        abstract: "Measures kitfs against its peers.",
        subcommands: [RunCommand.self, ChartCommand.self, ReadCommand.self],
        defaultSubcommand: RunCommand.self)
}
