// SPDX-License-Identifier: Apache-2.0
import MountRecords
import TestSupport
import Testing

@testable import kitfs

/// What settings files say for a command, and what in them is wrong.
@Suite struct SettingsFileTests {
    private let directory: TemporaryDirectory
    /// Made once: that takes a debug build a good part of a second.
    private static let catalog = Result { try CommandCatalog.ofKitfs() }

    init() throws { directory = try TemporaryDirectory() }

    private func settings(_ text: String, for table: String) throws -> [SettingsFile.Setting] {
        let path = directory.path + "/kitfs.conf"
        try writeFile(path, Array(text.utf8))
        let catalog = try Self.catalog.get()
        return try SettingsFile(path).settings(for: try #require(catalog.command(table: table)), catalog)
    }

    @Test func aTableCountsMoreThanTheTop() throws {
        let text = """
            timeout = 5
            shared-cache = ["/a", "/b"]
            [mount]
            timeout = 7
            allow-other = true
            [cache-prune]
            all = true
            """
        let mount = try settings(text, for: "mount")
        #expect(mount.filter { $0.name == "timeout" }.map(\.values) == [["5"], ["7"]])
        #expect(mount.first { $0.name == "shared-cache" }?.values == ["/a", "/b"])
        #expect(mount.first { $0.name == "allow-other" }?.values == ["true"])
        // What a command does not have is not its.
        #expect(try settings(text, for: "cache-prune").map(\.name).sorted() == ["all", "shared-cache"])
    }

    @Test(arguments: [
        ("a = 1\nb = [", "line 2"), ("\n\nodd = 1", "line 3: odd is no option of any command"),
        ("[mount]\nall = true", "line 2: [mount] all is no option of kitfs mount"),
        ("[odd]\na = 1", "line 1: no command is called odd"), ("offline = 1", "line 1: offline is true or false"),
        ("timeout = [1, 2]", "line 1: timeout takes one value"), ("timeout = 1.5", "timeout takes a string"),
        ("version = true", "version is no option"), ("config = \"x\"", "config is no option"),
    ])
    func whatIsWrongIsToldWithItsLine(_ text: String, _ reason: String) throws {
        let failure = try #require(throws: CommandFailure.self) { try settings(text, for: "mount") }
        #expect(failure.code == .failed)
        #expect(failure.message.contains("/kitfs.conf") && failure.message.contains(reason), "\(failure.message)")
    }

    @Test func aFileThatIsNotThere() throws {
        let failure = try #require(throws: CommandFailure.self) { try SettingsFile(directory.path + "/none") }
        #expect(failure.message.contains("/none: No such file"))
    }
}
