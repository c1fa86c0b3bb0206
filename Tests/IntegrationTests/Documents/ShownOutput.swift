// SPDX-License-Identifier: Apache-2.0

/// What a page says that a command prints, and what it did print, without what differs from one machine to the next: the
/// home, who one is, digests, sizes, times and processes.
struct ShownOutput: Equatable, CustomStringConvertible {
    let lines: [String]

    var description: String { lines.joined(separator: "\n") }

    /// As a page has it, whose reader is called `you`.
    static func shown(_ lines: [Substring]) -> ShownOutput {
        ShownOutput(lines.joined(separator: "\n"), home: "/home/you")
    }

    /// - Parameter home: the directory that is shown as `/home/you`.
    init(_ output: String, home: String) {
        let text = output.replacing(home, with: "~")
            .replacing(#/sha256:[0-9a-f]{64}/#, with: "DIGEST")
            .replacing(#/\b[0-9a-f]{12}\b/#, with: "DIGEST")
            .replacing(#/\b[0-9]+(\.[0-9]+)?(B|[KMGT]iB)\b/#, with: "SIZE")
            .replacing(#/\bpid [0-9]+/#, with: "pid N")
            .replacing(#/\blog [^ \n]+/#, with: "log FILE")
            // `ls -l`: links, owner, group, size and time.
            .replacing(
                #/([-dl][-r][-w][-xsS][-r][-w][-xsS][-r][-w][-xtT]) +[0-9]+ \S+ +\S+ +[0-9]+ \w+ +[0-9]+ +[0-9:]+ /#
            ) {
                "\($0.output.1) "
            }
            .replacing(#/(^|\n)total [0-9]+/#) { "\($0.output.1)total N" }
        lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }
}
