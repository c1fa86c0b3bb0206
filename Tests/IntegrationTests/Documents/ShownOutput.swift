// SPDX-License-Identifier: Apache-2.0

/// The output of a command, on a page or from a run, without what differs between machines: the home, the user,
/// digests, sizes, times and processes.
struct ShownOutput: Equatable, CustomStringConvertible {
    let lines: [String]

    var description: String { lines.joined(separator: "\n") }

    /// The output on a page, where the user is called `you`.
    static func shown(_ lines: [Substring]) -> ShownOutput {
        ShownOutput(lines.joined(separator: "\n"), home: "/home/you")
    }

    /// - Parameter home: the directory that pages show as `/home/you`.
    init(_ output: String, home: String) {
        let text = output.replacing(home, with: "~")
            .replacing(#/sha256:[0-9a-f]{64}/#, with: "DIGEST")
            .replacing(#/\b[0-9a-f]{12}\b/#, with: "DIGEST")
            .replacing(#/\b[0-9]+(\.[0-9]+)?(B|[KMGT]iB)\b/#, with: "SIZE")
            .replacing(#/\bpid [0-9]+/#, with: "pid N")
            .replacing(#/\blog [^ \n]+/#, with: "log FILE")
            // A mount says how it is read once it knows: a moment after the first open, and differently by user and disk.
            .replacing(#/, I\/O \w+(?=,)/#, with: "")
            // The columns of `ls -l`: links, owner, group, size and time.
            .replacing(
                #/([-dl][-r][-w][-xsS][-r][-w][-xsS][-r][-w][-xtT]) +[0-9]+ \S+ +\S+ +[0-9]+ \w+ +[0-9]+ +[0-9:]+ /#
            ) {
                "\($0.output.1) "
            }
            .replacing(#/(^|\n)total [0-9]+/#) { "\($0.output.1)total N" }
        lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }
}
