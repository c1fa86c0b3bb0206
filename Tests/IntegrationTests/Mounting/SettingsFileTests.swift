// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The settings in kitfs.conf, what overrides them, and mistakes in them.
@Suite struct SettingsFileTests {
    private let bench: CommandFixture
    private let home: String
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws {
        bench = try CommandFixture()
        home = bench.directory.path + "/home"
        bench.environment["KITFS_CONF"] = ""
        bench.environment["XDG_CONFIG_HOME"] = ""
    }

    private func write(_ text: String, _ name: String = "home/.config/kitfs/kitfs.conf") throws {
        let path = "\(bench.directory.path)/\(name)"
        _ = try bench.directory.subdirectory(String(name[..<(name.lastIndex(of: "/") ?? name.startIndex)]))
        try writeFile(path, Array(text.utf8))
    }

    /// Lists the kit. The files that are listed show which filter was used.
    private func listed(_ options: String...) throws -> String {
        let result = try bench.run(["ls", reference] + options)
        return result.exitCode == 0
            ? result.output.replacing("/\n", with: "\n").split(separator: "\n").joined(separator: " ")
            : result.errorOutput
    }

    @Test func theUsersFile() throws {
        #expect(try listed() == "Kitfile README.md data model src")
        try write("filter = \"docs\"\n")
        #expect(try listed() == "README.md")
        try write("filter = [\"docs\", \"code\"]\n[mount]\nfilter = \"model\"\n")
        #expect(try listed() == "README.md src")
        try write("filter = \"docs\"\n[ls]\nfilter = \"model\"\n")
        #expect(try listed() == "model")
        bench.environment["XDG_CONFIG_HOME"] = try bench.directory.subdirectory("xdg")
        #expect(try listed() == "Kitfile README.md data model src")
        try write("filter = \"code\"\n", "xdg/kitfs/kitfs.conf")
        #expect(try listed() == "src")
        bench.environment["KITFS_CONF"] = bench.directory.path + "/named/x.conf"
        #expect(try listed().contains("named/x.conf: No such file"))
        try write("filter = \"datasets\"\n", "named/x.conf")
        #expect(try listed() == "data")
    }

    /// The command line wins over the environment, and the environment over the file.
    @Test func whoWins() throws {
        try write("filter = \"docs\"\ncache = \"\(bench.directory.path)/file\"\nlong = true\noffline = false\n")
        #expect(try listed("--filter", "model").contains("model"))
        #expect(try !listed("--filter", "model").contains("README"))
        #expect(try listed("--filter=code").contains("src"))
        #expect(try listed().contains("-r--r--r--"))
        // A flag in the file can be negated.
        #expect(try listed("--no-long") == "README.md")
        try write("filter = \"docs\"\ncache = \"\(bench.directory.path)/file\"\n")
        _ = try listed()
        #expect(access(bench.directory.path + "/file", F_OK) != 0, "KITFS_CACHE was not asked")
        bench.environment["KITFS_CACHE"] = ""
        _ = try listed()
        #expect(access(bench.directory.path + "/file/VERSION", F_OK) == 0)
        _ = try listed("--cache", bench.directory.path + "/typed")
        #expect(access(bench.directory.path + "/typed/VERSION", F_OK) == 0)
    }

    @Test func whatIsWrong() throws {
        let cases: [(text: String, says: String)] = [
            ("cach = \"/x\"\n", "kitfs.conf: line 1: cach is no option of any command"),
            ("# x\n\n[mount]\nlazy = true\n", "kitfs.conf: line 4: [mount] lazy is no option of kitfs mount"),
            ("[mont]\ncache = \"/x\"\n", "kitfs.conf: line 1: no command is called mont"),
            ("offline = \"yes\"\n", "kitfs.conf: line 1: offline is true or false"),
            ("cache = [\"/a\", \"/b\"]\n", "kitfs.conf: line 1: cache takes one value"),
            ("cache = 2026-01-01\n", "kitfs.conf: cache takes a string"),
            ("filter = \"docs\"\ntimeout = 0\n", "kitfs.conf: timeout: --timeout takes 1 to 86400 seconds"),
            ("timeout = \"soon\"\n", "kitfs.conf: timeout: The value 'soon' is invalid"),
            ("[ls]\nconcurrency = 100\n", "kitfs.conf: [ls] concurrency: --concurrency takes 1 to 64"),
            ("filter = \n", "kitfs.conf: line 1"),
            ("[$]\n", "kitfs.conf: line 1 is not TOML"),
            ("help = true\n", "help is no option"),
            ("ref = \"x\"\n", "ref is no option"),
        ]
        for (text, says) in cases {
            try write(text)
            let result = try bench.run(["ls", reference])
            #expect(result.exitCode == 1, "\(text): \(result.exitCode) \(result.errorOutput)")
            #expect(result.errorOutput.contains(says), "\(text): \(result.errorOutput)")
            #expect(result.errorOutput.split(separator: "\n").count == 1, "\(result.errorOutput)")
            // Help is shown even if the file is wrong.
            #expect(try bench.run(["ls", "--help"]).exitCode == 0)
        }
        // A mistake on the command line is not blamed on the file.
        try write("filter = \"docs\"\n")
        #expect(try bench.run(["ls", reference, "--timeout", "0"]).exitCode == 2)
    }

    /// A mount with its own file, as `kitfs@.service` makes it.
    @Test func aFileForOneMount() throws {
        let target = try bench.directory.subdirectory("m")
        try write("verify = \"while-streaming\"\ntimeout = 77\n")
        try write(
            "ref = \"\(reference)\"\ndir = \"\(target)\"\nverify = \"while-streaming=datasets\"\n", "etc/one.conf")
        let file = bench.directory.path + "/etc/one.conf"
        try bench.kitfs("mount", "--config", file)
        #expect(try bench.kitfs("status", target).contains("verify while-streaming=datasets"))
        try bench.kitfs("unmount", target)
        let other = try bench.directory.subdirectory("other")
        try bench.kitfs("mount", reference, other, "--config", file)
        try bench.kitfs("unmount", other)
        try write("ref = \"\(reference)\"\nverify = 7\n", "etc/one.conf")
        let (code, message) = try bench.failure("mount", "--config", file)
        #expect(code == 2 && message.contains("dir"), "\(message)")
        #expect(try bench.failure("mount", reference, other, "--config", file).message.contains("one.conf: verify: "))
    }
}
