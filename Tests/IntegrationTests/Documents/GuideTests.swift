// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Runs the commands of the guides in Sources/Manual, and checks that the links of all pages lead somewhere.
@Suite struct GuideTests {
    @Test(arguments: Documents.guides.filter { (try? Documents.runnable($0))?.isEmpty != true })
    func everyBlockOfCommands(_ guide: String) throws {
        #expect(try !Documents.runnable(guide).isEmpty)
        try DocumentRun(guide).check()
    }

    @Test func theReadmeNamesEveryGuide() throws {
        let readme = try Documents.text("README.md")
        #expect(Documents.guides.count >= 13)
        for guide in Documents.guides { #expect(readme.contains("](\(guide))"), "README.md does not link to \(guide)") }
    }

    @Test(arguments: Documents.all) func linksLeadSomewhere(_ page: String) throws {
        let folder = page.split(separator: "/").dropLast().joined(separator: "/")
        for match in try Documents.text(page).matches(of: #/\]\(([^()\s]+)\)/#) {
            let target = match.output.1
            if target.hasPrefix("https://") { continue }
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let file = parts[0].isEmpty ? page : "\(folder.isEmpty ? "." : folder)/\(parts[0])"
            #expect(access("\(Documents.root)/\(file)", F_OK) == 0, "\(page) links to \(target)")
            guard parts.count > 1 else { continue }
            #expect(try Self.anchors(file).contains(String(parts[1])), "\(page) links to \(target)")
        }
    }

    /// The anchors that GitHub makes of a page's headings.
    private static func anchors(_ page: String) throws -> [String] {
        try Documents.text(page).split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
            line.drop { $0 == "#" || $0 == " " }.lowercased().filter {
                $0.isLetter || $0.isNumber || "- _".contains($0)
            }
            .replacing(" ", with: "-")
        }
    }
}
