// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import KitFileSystem
import MountProcess
import OCI
import Registry
import Testing

@testable import kitfs

/// Command lines, and what they come to.
@Suite struct CommandLineTests {
    private let reference = "registry.example.com/team/model:v1"

    private func mount(_ options: String...) throws -> MountCommand {
        try #require(try Kitfs.parseAsRoot(["mount", reference, "/mnt"] + options) as? MountCommand)
    }

    @Test func aReferenceIsParsedWithTheLine() throws {
        #expect(try mount().kit.reference == Reference(parsing: reference))
        let list = try #require(try Kitfs.parseAsRoot(["ls", "oci:/a/../b:v2"]) as? ListCommand)
        #expect(list.kit.reference.origin == .layout(directory: "/a/../b"))
        #expect(list.kit.reference.tag == Tag("v2"))
    }

    /// A mount leaves the directory that it was started in.
    @Test func aLayoutsDirectoryIsMadeAbsolute() throws {
        let list = try #require(try Kitfs.parseAsRoot(["ls", "oci:layout"]) as? ListCommand)
        guard case .layout(let directory) = list.kit.reference.origin else { throw Unexpected() }
        #expect(directory.hasPrefix("/") && directory.hasSuffix("/layout"))
    }

    private struct Unexpected: Error {}

    /// Exit code 2, and why it is none.
    @Test(
        arguments: ["mount", "run", "pull", "ls", "inspect"],
        [
            ("host.example/UPPER:v1", "a repository has lower-case letters"),
            ("host.example/a@sha256:12", "what follows “@” must be a digest"), ("oci:", "needs the directory"),
        ])
    func noReference(_ command: String, _ given: (text: String, reason: String)) {
        let rest = command == "mount" ? ["/mnt"] : command == "run" ? ["--", "true"] : []
        do {
            _ = try Kitfs.parseAsRoot([command, given.text] + rest)
            Issue.record("\(given.text) was taken")
        } catch {
            #expect(Kitfs.exitCode(for: error) == .validationFailure)
            let message = Kitfs.message(for: error)
            #expect(message.contains(given.reason) && message.contains(given.text), "\(message)")
        }
    }

    @Test func optionsOfAMount() throws {
        let command = try mount(
            "--cache", "/var/tmp/c", "--shared-cache", "/s1", "--shared-cache", "/s2", "--allow-other", "--uid", "7",
            "--gid", "8", "--umask", "027", "--noexec", "--passthrough", "false", "--cache-limit", "2GiB", "--timeout",
            "9", "--concurrency", "3", "--filter", "model", "--prefetch", "datasets:a", "--verify",
            "while-streaming=model", "--log-file", "log", "--tls-verify", "false", "--plain-http", "--offline")
        let found = try command.options.configuration(of: command.kit)
        #expect(found.reference == command.kit.reference && found.name == reference)
        #expect(found.caches.path == "/var/tmp/c" && found.caches.shared == ["/s1", "/s2"])
        #expect(found.allowOther && found.forbidsExecution && !found.passthrough)
        #expect(found.owner == 7 && found.group == 8 && found.umask == 0o27)
        #expect(found.cacheLimit == 2 << 30)
        #expect(found.access.concurrency == 3 && found.access.settings.timeout == 9)
        #expect(!found.access.settings.verifyTLS && found.access.settings.plainHTTP && found.access.settings.isOffline)
        #expect(found.filters.count == 1 && found.prefetch.map(\.text) == ["datasets:a"])
        guard case .whileStreaming(let filters) = found.verify else { throw Unexpected() }
        #expect(filters.count == 1 && found.verifyText == "while-streaming=model")
        #expect(found.log.file == "log" && found.version == Kitfs.version)
    }

    @Test func aMountWithoutOptions() throws {
        let command = try mount("--cache", "/c")
        let found = try command.options.configuration(of: command.kit)
        #expect(!found.allowOther && !found.forbidsExecution && found.passthrough)
        #expect(found.owner == nil && found.group == nil && found.umask == nil && found.cacheLimit == nil)
        #expect(found.filters.isEmpty && found.prefetch.isEmpty && found.verifyText == "before-read")
        guard case .beforeRead = found.verify else { throw Unexpected() }
        #expect(found.access.settings.verifyTLS && !found.access.settings.isOffline)
    }

    @Test(arguments: [
        ["--timeout", "0"], ["--timeout", "86401"], ["--concurrency", "65"], ["--umask", "8"], ["--cache", ""],
        ["--verify", "never"], ["--verify", "while-streaming=nothing"], ["--cache-limit", "much"], ["--nothing"],
    ])
    func whatNoOptionTakes(_ options: [String]) {
        do {
            _ = try Kitfs.parseAsRoot(["mount", reference, "/mnt"] + options)
            Issue.record("\(options) were taken")
        } catch {
            #expect(Kitfs.exitCode(for: error) == .validationFailure)
        }
    }

    @Test func pruneTakesOneGoal() {
        #expect(throws: (any Error).self) { try Kitfs.parseAsRoot(["cache", "prune", "--all", "--older-than", "7d"]) }
        #expect(throws: Never.self) { try Kitfs.parseAsRoot(["cache", "prune", "--older-than", "7d"]) }
    }

    @Test func runNeedsACommand() {
        do {
            _ = try Kitfs.parseAsRoot(["run", reference])
            Issue.record("no command was taken")
        } catch { #expect(Kitfs.message(for: error).contains("what is to be run")) }
    }
}
