// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

@Suite struct SecretsTests {
    private static let secret = "0ur-0wn w0rd/+"

    init() { Secrets.add(Self.secret, of: "kit") }

    @Test(arguments: [
        secret, "x\(secret)y", "0ur-0wn%20w0rd%2F%2B", "MHVyLTB3biB3MHJkLys=",
        "Basic a2l0OjB1ci0wd24gdzByZC8r",
    ]) func found(_ text: String) { #expect(Secrets.found(in: "a line\nand \(text) in it") != nil) }

    @Test func notFound() {
        #expect(Secrets.found(in: "") == nil)
        #expect(Secrets.found(in: "0ur-0wn w0rd/") == nil)
    }

    @Test func inFiles() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.subdirectory("a/b") + "/file"
        try writeFile(path, Array("nothing\n".utf8))
        #expect(try Secrets.found(below: directory.path, directory.path + "/none") == [])
        try writeFile(path, Array("x\0\(Self.secret)\n".utf8))
        #expect(try Secrets.found(below: directory.path) == ["\(path):\(Self.secret)"])
    }

    /// A command of this name, started in any way, may not print a secret, to stdout or to stderr.
    @Test func whatTheCommandPrints() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/kitfs"
        try writeFile(path, Array("#!/bin/sh\necho \"$*\"; echo \"$*\" >&2\n".utf8))
        #expect(chmod(path, 0o755) == 0)
        #expect(try Command.run(path, ["harmless"]).output == "harmless\n")
        #expect(throws: TestSupportError.self) { try Command.run(path, [Self.secret]) }
        #expect(throws: TestSupportError.self) { try Command.run(path, [Base64.encode("kit:" + Self.secret)]) }
        let line = "\"$0\" \"$1\" >/dev/null"
        #expect(throws: TestSupportError.self) { try Command.run("sh", ["-c", line, path, Self.secret]) }
        #expect(try Command.run("echo", [Self.secret]).exitCode == 0)
    }
}
