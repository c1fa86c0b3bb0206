// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import TestSupport

/// The pages for people: where they are, and what they contain.
enum Documents {
    /// The root of the sources.
    static let root = Fixtures.directory.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }

    /// The guides in order, as paths from the root of the sources.
    static let guides: [String] = names(in: "Sources/Manual").map { "Sources/Manual/" + $0 }

    /// All pages that show commands.
    static var withCommands: [String] { ["README.md"] + guides }

    /// All pages.
    static var all: [String] {
        withCommands + ["Sources/README.md", "Tests/README.md"] + names(in: ".github").map { ".github/" + $0 }
    }

    static func text(_ page: String) throws -> String {
        String(decoding: try readFile("\(root)/\(page)"), as: UTF8.self)
    }

    static func blocks(of page: String) throws -> [DocumentBlock] {
        try DocumentBlock.blocks(in: text(page), of: page)
    }

    /// The blocks that this user can run, in order.
    static func runnable(_ page: String) throws -> [DocumentBlock] {
        try blocks(of: page).filter { block in
            switch block.running {
            case .always: true
            case .asRoot: geteuid() == 0
            case .byCI, .never: false
            }
        }
    }

    private static func names(in directory: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(directory)")
        return (names ?? []).filter { $0.hasSuffix(".md") }.sorted()
    }
}
