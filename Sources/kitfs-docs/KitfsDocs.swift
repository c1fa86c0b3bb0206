// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc

/// Writes the manual: `kitfs-docs VERSION DATE DIRECTORY <DUMP`, with DUMP of `kitfs --experimental-dump-help` and DATE
/// as `November 26, 2026`. Part of the build, not of what is installed.
@main
struct KitfsDocs {
    private struct Unwritable: Error { let name: String }

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else {
            print("usage: kitfs-docs VERSION DATE DIRECTORY <DUMP")
            exit(2)
        }
        var dump: [UInt8] = []
        while let line = readLine(strippingNewline: false) { dump += Array(line.utf8) }
        let root = try JSONDecoder().decode(ToolDump.self, from: Data(dump)).command
        let edition = Edition(version: arguments[1], date: arguments[2])
        var pages = root.all.map { command -> (name: String, text: String) in
            let page = CommandPage(command: command, root: root, edition: edition)
            return (page.name, page.text)
        }
        let configuration = ConfigurationPage(root: root, edition: edition)
        pages.append((configuration.name, configuration.text))
        let helper = HelperPage(edition: edition)
        pages.append((helper.name, helper.text))
        for page in pages {
            guard let file = fopen("\(arguments[3])/\(page.name)", "w"), fputs(page.text, file) >= 0, fclose(file) == 0
            else { throw Unwritable(name: page.name) }
        }
    }
}
