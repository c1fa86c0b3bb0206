// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Doctor
private import Glibc
private import MountRecords

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what a mount needs, and say what to do.",
        discussion: """
            A line for each check: ok, note (a mount works, but not all that may be wanted of it) or problem, with what \
            mends it. With a reference, also whether its registry can be reached and lets you in. Ends with 1 if there is \
            a problem. Changes nothing: what is tried is tried where nobody else sees it.

              kitfs doctor
              kitfs doctor registry.example.com/team/model:v1
            """)

    @Argument(help: ArgumentHelp("A kit that is to be mounted.", valueName: "ref"))
    var reference: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions

    struct Report: Encodable {
        let version: String
        let well: Bool
        let checks: [CheckResult]
    }

    func run() throws {
        let path = try cache.resolved
        var kit: KitArgument?
        var problem: CheckResult?
        // A reference that cannot be parsed is a failed check, not a usage error.
        do { kit = try reference.map(KitArgument.init) } catch { problem = .problem("registry", "\(error)") }
        let checks = MountChecks(
            cache: path, settings: source.settings, reference: kit?.reference, named: kit?.text)
        let results = checks.results + [problem].compactMap { $0 }
        let isWell = !results.contains { $0.verdict == .problem }
        if json {
            try Terminal.out(json: Report(version: Kitfs.version, well: isWell, checks: results))
        } else {
            Self.show(results)
        }
        if !isWell { Glibc.exit(CommandFailure.Code.failed.rawValue) }
    }

    private static func show(_ results: [CheckResult]) {
        let width = results.map(\.check.count).max() ?? 0
        let indent = String(repeating: " ", count: 9 + width + 2)
        for result in results {
            let verdict = TableText.padded(result.verdict.rawValue, to: 9)
            Terminal.out(
                TableText.clean("\(verdict)\(TableText.padded(result.check, to: width))  \(result.text)") + "\n")
            if let remedy = result.remedy { Terminal.out(TableText.clean("\(indent)→ \(remedy)") + "\n") }
        }
    }
}
