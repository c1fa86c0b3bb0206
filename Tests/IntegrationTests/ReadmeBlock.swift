// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// A block of commands in README.md: what stands between ```` ```sh ```` and ```` ``` ````.
///
/// A comment on the line before it, which no reader of the page sees, says that it is not run by the test, and why:
///
///     <!-- not run: needs Slurm -->
///     <!-- run as root: opens /dev/fuse for somebody else -->
///     <!-- run by .ci/run -->
struct ReadmeBlock {
    enum Running: Equatable {
        case always
        /// With what it needs root for.
        case asRoot(String)
        case byCI
        /// With the reason.
        case never(String)
    }

    /// Of the line with the three ticks, from 1.
    let line: Int
    let running: Running
    let commands: [Substring]

    /// All of a page, in order.
    static func blocks(in page: String) throws -> [ReadmeBlock] {
        var blocks: [ReadmeBlock] = []
        var opened: (line: Int, isShell: Bool, commands: [Substring])?
        var comment: Substring?
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let block = opened {
                guard line == "```" else {
                    opened?.commands.append(line)
                    continue
                }
                opened = nil
                if block.isShell {
                    let running = try comment.map { try Self.running($0, line: block.line - 1) } ?? .always
                    blocks.append(ReadmeBlock(line: block.line, running: running, commands: block.commands))
                } else if let comment, Self.isOurs(comment) {
                    throw TestSupportError("README.md:\(block.line - 1): '\(comment)' is not before a block of sh")
                }
                comment = nil
            } else if line.hasPrefix("```") {
                opened = (index + 1, line == "```sh", [])
            } else {
                if let comment, Self.isOurs(comment) {
                    throw TestSupportError("README.md:\(index): '\(comment)' is not before a block")
                }
                comment = line.hasPrefix("<!--") ? line : nil
            }
        }
        if let opened { throw TestSupportError("README.md:\(opened.line): the block does not end") }
        return blocks
    }

    private static func isOurs(_ comment: Substring) -> Bool {
        comment.hasPrefix("<!-- not run") || comment.hasPrefix("<!-- run ")
    }

    private static func running(_ comment: Substring, line: Int) throws -> Running {
        switch comment.wholeMatch(of: #/<!-- (not run|run as root|run by \.ci/run)(: (.*\w.*))? -->/#)?.output {
        case let (_, "not run", _, reason?)?: .never(String(reason))
        case let (_, "run as root", _, reason?)?: .asRoot(String(reason))
        case (_, "run by .ci/run", _, nil)?: .byCI
        default: throw TestSupportError("README.md:\(line): '\(comment)' says neither how to run the block nor why not")
        }
    }
}
