// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc

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
        let checks: [Finding]
    }

    func run() throws {
        let path = try cache.resolved
        // First: some of it forks, which is for processes of one thread.
        var findings = FuseChecks(cache: path).findings
        findings += CacheChecks(path: path).findings
        findings += LimitChecks(timeout: source.timeout).findings
        if let reference { findings.append(RegistryCheck(reference, source).finding) }
        let isWell = !findings.contains { $0.verdict == .problem }
        if json {
            try Terminal.out(json: Report(version: Kitfs.version, well: isWell, checks: findings))
        } else {
            Self.show(findings)
        }
        if !isWell { Glibc.exit(CommandFailure.Code.failed.rawValue) }
    }

    private static func show(_ findings: [Finding]) {
        let width = findings.map(\.check.count).max() ?? 0
        let indent = String(repeating: " ", count: 9 + width + 2)
        for finding in findings {
            let verdict = Cells.padded(finding.verdict.rawValue, to: 9)
            Terminal.out(Cells.clean("\(verdict)\(Cells.padded(finding.check, to: width))  \(finding.text)") + "\n")
            if let remedy = finding.remedy { Terminal.out(Cells.clean("\(indent)→ \(remedy)") + "\n") }
        }
    }
}
