// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The guides as manual pages, as the build makes them. ``ManualTests`` checks them with tools.
@Suite struct GuidePageTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func make(of guides: String) throws -> CommandResult {
        let dump = try Command.check(CommandFixture.executable, ["--experimental-dump-help"]).stdout
        return try Command.run(
            CommandFixture.executable + "-docs",
            ["1.2.3", "January 2, 2020", guides, try directory.subdirectory("pages")],
            input: dump)
    }

    /// The page as a reader sees it, with lines as long as needed.
    private func rendered(_ page: String) throws -> String {
        try Command.check(
            "man", ["-l", "\(directory.path)/pages/\(page)"],
            environment: ["MANWIDTH": "2000", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""]
        ).output
    }

    @Test func everyGuideHasAPageWithAllThatIsInIt() throws {
        let result = try make(of: Documents.root + "/Sources/Manual")
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(Documents.guides.count >= 13)
        for guide in Documents.guides {
            let topic = try #require(guide.split(separator: "/").last?.dropLast(3))
            let page = try rendered("kitfs-\(topic).7")
            let lines = page.split(separator: "\n").map { $0.drop { $0 == " " } }
            #expect(page.contains("\nDESCRIPTION\n") && page.contains("\nSEE ALSO\n"), "\(topic)")
            let text = try Documents.text(guide)
            var inCode = false
            for line in text.split(separator: "\n") {
                if line.hasPrefix("```") {
                    inCode.toggle()
                } else if inCode {
                    let code = line.drop { $0 == " " }
                    #expect(lines.contains(code), "\(guide): '\(line)' is not in its page")
                } else if line.hasPrefix("## ") {
                    #expect(lines.contains { $0 == line.dropFirst(3).uppercased() }, "\(guide): \(line)")
                }
            }
            #expect(!inCode)
            let missing = Self.words(text).subtracting(Self.words(page))
            #expect(missing.isEmpty, "kitfs-\(topic).7 lacks \(missing.sorted())")
        }
    }

    /// The words that a reader reads. Code has lines of its own and is left out, and so are comments and link
    /// addresses.
    private static func words(_ text: String) -> Set<Substring> {
        var inCode = false
        var words: Set<Substring> = []
        for line in text.lowercased().split(separator: "\n") {
            if line.hasPrefix("```") { inCode.toggle() }
            if inCode || line.hasPrefix("```") || line.hasPrefix("<!--") { continue }
            for (place, part) in line.replacing("](", with: "\n").split(separator: "\n").enumerated() {
                let shown = place == 0 ? part : part.drop { $0 != ")" }
                words.formUnion(shown.split { !$0.isLetter && !$0.isNumber })
            }
        }
        return words
    }

    @Test func theCommandsPageNamesTheGuides() throws {
        _ = try make(of: Documents.root + "/Sources/Manual")
        let page = try rendered("kitfs.1")
        for guide in Documents.guides {
            let topic = try #require(guide.split(separator: "/").last?.dropLast(3))
            #expect(page.contains("kitfs-\(topic)(7)"))
        }
    }

    @Test(arguments: [
        ("No title\n", "1: "), ("# T\n\n#### Deep\n", "3: "), ("# T\n\n1. one\n", "3: "), ("# T\n\n* one\n", "3: "),
        ("# T\n\n- one\n    - two\n", "4: "), ("# T\n\n> said\n", "3: "), ("# T\n\n<b>bold</b>\n", "3: "),
        ("# T\n\nText\n===\n", "4: "), ("# T\n\n```sh\ntrue\n", "3: "), ("# T\n\n| a | b |\n", "3: "),
        ("# T\n\n| a | b |\n| --- | --- |\n| 1 |\n", "5: "), ("# T\n\nAn *accent*\n", "'*'"),
        ("# T\n\nA `tick\n", "backquote"), ("# T\n\nA [link] here\n", "'['"), ("# T\n\nA **bold\n", "'**'"),
        ("# T\n\nA [link](other.md)\n", "no guide 'other.md'"), ("# T\n\nA [link](#part)\n", "'#part'"),
        ("# T\n\nA \\_\n", "'\\'"), ("# T\n\n<!-- one\ntwo -->\n", "3: "),
    ]) func whatItDoesNotKnowIsRefused(_ guide: String, _ reason: String) throws {
        let guides = try directory.subdirectory("guides")
        try writeFile(guides + "/topic.md", Array(guide.utf8))
        let result = try make(of: guides)
        #expect(result.exitCode == 1)
        #expect(
            result.errorOutput.hasPrefix("kitfs-docs: topic.md") && result.errorOutput.contains(reason),
            "\(result.errorOutput)")
    }

    @Test func aWordThatIsAMacroIsAWord() throws {
        let guides = try directory.subdirectory("guides")
        let guide = """
            # An It

            .Sh is no request
            and 'br is none.

            ## No It

            | what | then |
            | --- | --- |
            | Nm | .It |
            | It "is" | `.Pp` |

            - No
            - Li

            ```
            .Sh
              'br \\
            ```

            """
        try writeFile(guides + "/topic.md", Array(guide.utf8))
        let result = try make(of: guides)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        let page = try rendered("kitfs-topic.7")
        for text in [
            ".Sh is no request and", "\nNO IT\n", " Nm ", ".It", "It \"is\"", ".Pp", " No\n", " Li\n", "  .Sh\n",
            "'br \\\n",
        ] {
            #expect(page.contains(text), "'\(text)' is not in \(page)")
        }
    }

    @Test func noGuidesAreAnError() throws {
        let result = try make(of: try directory.subdirectory("none"))
        #expect(result.exitCode == 1 && result.errorOutput.contains("no guides"))
    }
}
