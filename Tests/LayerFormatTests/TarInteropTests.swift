// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import LayerFormat

/// Tars written by GNU tar, in each of its formats.
@Suite struct TarInteropTests {
    @Test(arguments: ["v7", "ustar", "oldgnu", "gnu", "posix"]) func formats(_ format: String) throws {
        let directory = try TemporaryDirectory()
        let root = try directory.subdirectory("root")
        // ustar has room for a long name, not for a long target.
        let deep = ["v7", "ustar"].contains(format) ? "d" : String(repeating: "e", count: 90)
        if format == "ustar" {
            let long = try directory.subdirectory("root/" + String(repeating: "z", count: 90))
            try writeFile(long + "/" + String(repeating: "z", count: 90), [])
        }
        _ = try directory.subdirectory("root/\(deep)/\(deep)")
        try writeFile("\(root)/\(deep)/\(deep)/file", Array("content".utf8))
        try Command.check("ln", ["\(root)/\(deep)/\(deep)/file", "\(root)/hard"])
        try Command.check("ln", ["-s", "\(deep)/\(deep)/file", "\(root)/soft"])
        let options = [
            "--format=\(format)", "--sort=name", "--mtime=@1700000000", "--mode=a=rX,u+w", "--numeric-owner",
        ]
        let tar = try Command.check("tar", options + ["-C", root, "-cf", "-", "."]).stdout
        let listed = try Command.check("tar", ["-tf", "-"], input: tar).output.split(separator: "\n").map(String.init)
        let members = try TarReading.members(tar)
        #expect(members.map(\.name) == listed)
        #expect(members.allSatisfy { $0.modified == 1_700_000_000 })
        let file = try #require(members.first { $0.name == "./\(deep)/\(deep)/file" })
        #expect(file.kind == .file)
        #expect(file.mode == 0o644)
        #expect(file.content(in: tar).elementsEqual("content".utf8))
        let link = members.first { $0.name == "./soft" }
        #expect(link?.kind == .symbolicLink(Array("\(deep)/\(deep)/file".utf8)))
        #expect(members.first { $0.name == "./hard" }?.kind == .hardLink(file.path))
        #expect(members.first { $0.name == "./\(deep)/" }?.kind == .directory)
    }

    @Test(arguments: ["gnu", "posix"]) func sparseFilesAreRefused(_ format: String) throws {
        let directory = try TemporaryDirectory()
        try Command.check("truncate", ["-s", "10M", directory.path + "/holes"])
        let tar = try Command.check(
            "tar", ["--format=\(format)", "--sparse", "-C", directory.path, "-cf", "-", "holes"]
        ).stdout
        let error = #expect(throws: TarError.self) { try TarReading.list(tar) }
        #expect(error?.description.contains("a sparse file") == true)
    }
}
