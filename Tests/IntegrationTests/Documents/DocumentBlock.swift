// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// A block of commands in README.md or a guide, between ```` ```sh ```` and ```` ``` ````. A block with the commands'
/// output is between ```` ```console ```` and ```` ``` ````.
///
/// A comment on the line before it, which readers of the page do not see, says that the test does not run it, and why:
///
///     <!-- not run: needs Slurm -->
///     <!-- run as root: opens /dev/fuse for somebody else -->
///     <!-- run by .ci/run -->
struct DocumentBlock {
    enum Running: Equatable {
        case always
        /// Run as root, which it needs for this purpose.
        case asRoot(String)
        case byCI
        /// Not run, for this reason.
        case never(String)
    }

    /// A command, and the output that the page shows for it.
    struct Step: Equatable {
        let line: Int
        let command: Substring
        var output: [Substring] = []
    }

    /// The page's name in messages.
    let page: String
    /// The number of the line with the three ticks, from 1.
    let line: Int
    let running: Running
    let commands: [Substring]
    /// The steps of a block with output; empty for other blocks.
    let steps: [Step]

    var place: String { "\(page):\(line)" }

    /// All blocks of a page, in order.
    static func blocks(in text: String, of page: String) throws -> [DocumentBlock] {
        var blocks: [DocumentBlock] = []
        var opened: (line: Int, language: Substring, commands: [Substring])?
        var comment: Substring?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let block = opened {
                guard line == "```" else {
                    opened?.commands.append(line)
                    continue
                }
                opened = nil
                if block.language == "sh" || block.language == "console" {
                    let running = try comment.map { try Self.running($0, "\(page):\(block.line - 1)") } ?? .always
                    let steps = block.language == "console" ? try Self.steps(block.commands, page, block.line) : []
                    blocks.append(
                        DocumentBlock(
                            page: page, line: block.line, running: running, commands: block.commands, steps: steps))
                } else if let comment, Self.isOurs(comment) {
                    throw TestSupportError("\(page):\(block.line - 1): '\(comment)' is not before a block of sh")
                }
                comment = nil
            } else if line.hasPrefix("```") {
                opened = (index + 1, line.dropFirst(3), [])
            } else {
                if let comment, Self.isOurs(comment) {
                    throw TestSupportError("\(page):\(index): '\(comment)' is not before a block")
                }
                comment = line.hasPrefix("<!--") ? line : nil
            }
        }
        if let opened { throw TestSupportError("\(page):\(opened.line): the block does not end") }
        return blocks
    }

    private static func steps(_ lines: [Substring], _ page: String, _ start: Int) throws -> [Step] {
        var steps: [Step] = []
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("$ ") {
                steps.append(Step(line: start + 1 + index, command: line.dropFirst(2)))
            } else if steps.isEmpty {
                throw TestSupportError("\(page):\(start): output before the first command")
            } else {
                steps[steps.count - 1].output.append(line)
            }
        }
        guard steps.contains(where: { !$0.output.isEmpty }) else {
            throw TestSupportError("\(page):\(start): a block of console without output")
        }
        return steps
    }

    private static func isOurs(_ comment: Substring) -> Bool {
        comment.hasPrefix("<!-- not run") || comment.hasPrefix("<!-- run ")
    }

    private static func running(_ comment: Substring, _ place: String) throws -> Running {
        switch comment.wholeMatch(of: #/<!-- (not run|run as root|run by \.ci/run)(: (.*\w.*))? -->/#)?.output {
        case let (_, "not run", _, reason?)?: .never(String(reason))
        case let (_, "run as root", _, reason?)?: .asRoot(String(reason))
        case (_, "run by .ci/run", _, nil)?: .byCI
        default: throw TestSupportError("\(place): '\(comment)' says neither how to run the block nor why not")
        }
    }
}
