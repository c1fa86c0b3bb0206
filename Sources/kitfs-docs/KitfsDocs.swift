// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc

/// Writes the manual: `kitfs-docs VERSION DATE GUIDES DIRECTORY <DUMP`, with DUMP of `kitfs --experimental-dump-help`, DATE
/// as `November 26, 2026`, and GUIDES the directory of the guides in Markdown. Part of the build, not of what is installed.
@main
struct KitfsDocs {
    private struct Unwritable: Error { let name: String }

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5 else {
            print("usage: kitfs-docs VERSION DATE GUIDES DIRECTORY <DUMP")
            exit(2)
        }
        let edition = Edition(version: arguments[1], date: arguments[2])
        do {
            let guides = try guides(in: arguments[3], edition)
            var dump: [UInt8] = []
            while let line = readLine(strippingNewline: false) { dump += Array(line.utf8) }
            let root = try JSONDecoder().decode(ToolDump.self, from: Data(dump)).command
            for page in try pages(root, guides, edition) {
                guard let file = fopen("\(arguments[4])/\(page.name)", "w"), fputs(page.text, file) >= 0,
                    fclose(file) == 0
                else { throw Unwritable(name: page.name) }
            }
        } catch let failure as Markdown.Failure {
            let line = Array("kitfs-docs: \(failure)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            exit(1)
        }
    }

    private static func pages(
        _ root: ToolDump.Command, _ guides: [GuidePage], _ edition: Edition
    ) throws -> [(name: String, text: String)] {
        var pages = root.all.map { command -> (name: String, text: String) in
            let page = CommandPage(command: command, root: root, guides: guides, edition: edition)
            return (page.name, page.text)
        }
        let configuration = ConfigurationPage(root: root, edition: edition)
        pages.append((configuration.name, configuration.text))
        let helper = HelperPage(edition: edition)
        pages.append((helper.name, helper.text))
        for guide in guides { pages.append((guide.name, try guide.text())) }
        return pages
    }

    private static func guides(in directory: String, _ edition: Edition) throws -> [GuidePage] {
        let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".md") }
            .sorted()
        guard !files.isEmpty else { throw Markdown.Failure(description: "\(directory): no guides") }
        let topics = files.map { String($0.dropLast(3)) }
        return try files.map { file in
            let bytes = try Data(contentsOf: URL(filePath: "\(directory)/\(file)"))
            let guide = try Markdown(String(decoding: bytes, as: UTF8.self), name: file)
            return GuidePage(topic: String(file.dropLast(3)), guide: guide, topics: topics, edition: edition)
        }
    }
}
