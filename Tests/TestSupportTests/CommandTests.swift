// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

@Suite struct CommandTests {
    @Test func outputAndExitCodeAreTold() throws {
        let result = try Command.run("sh", ["-c", "echo out; echo err >&2; exit 7"])
        #expect(result.exitCode == 7)
        #expect(result.output == "out\n")
        #expect(result.errorOutput == "err\n")
        #expect(try Command.run("sh", ["-c", "kill -TERM $$"]).exitCode == 128 + SIGTERM)
        #expect(throws: TestSupportError.self) { try Command.check("false", []) }
        #expect(throws: TestSupportError.self) { try Command.run("/nowhere/at-all", []) }
    }

    @Test func inputEnvironmentAndDirectoryReachTheProgram() throws {
        let directory = try TemporaryDirectory()
        let result = try Command.run(
            "sh", ["-c", "cat; echo $COLOUR; test -n \"$PATH\" && pwd"], environment: ["COLOUR": "blue"],
            input: Array("text ".utf8), workingDirectory: directory.path)
        #expect(result.output == "text blue\n\(directory.path)\n")
    }

    @Test func muchOutputOnBothPipesDoesNotDeadlock() throws {
        let input = [UInt8](repeating: 120, count: 3_000_000)
        let result = try Command.run("sh", ["-c", "tee /dev/stderr"], input: input, timeout: 20)
        #expect(result.stdout == input)
        #expect(result.stderr == input)
    }

    @Test func aTimeoutKillsTheWholeGroupAndTellsWhatWasPrinted() throws {
        let start = monotonicSeconds()
        let error = try #require(throws: TestSupportError.self) {
            try Command.run("sh", ["-c", "echo pid; sleep 61 & echo $!; echo oops >&2; wait"], timeout: 0.5)
        }
        #expect(monotonicSeconds() - start < 5)
        #expect(error.description.contains("sleep 61") && error.description.contains("oops"))
        let lines = error.description.split(separator: "\n")
        let place = try #require(lines.firstIndex { $0.hasSuffix("pid") })
        let pid = try #require(Int32(lines[place + 1]))
        try eventually(within: 5, "the grandchild \(pid) is dead") { !isAlive(pid) }
    }

    @Test func aGrandchildThatKeepsThePipesIsNotWaitedFor() throws {
        let start = monotonicSeconds()
        let result = try Command.run("sh", ["-c", "sleep 62 & echo $!"])
        #expect(monotonicSeconds() - start < 5)
        let pid = try #require(Int32(result.output.dropLast()))
        #expect(isAlive(pid))
        kill(pid, SIGKILL)
    }

    @Test func aChatteringGrandchildDoesNotHangUsEither() throws {
        let start = monotonicSeconds()
        let result = try Command.run("sh", ["-c", "yes & echo $! >&2"])
        #expect(monotonicSeconds() - start < 5)
        kill(try #require(Int32(result.errorOutput.split(separator: "\n").first ?? "")), SIGKILL)
    }

    @Test func noDescriptorLeaks() throws {
        let leaky = open("/dev/null", O_RDONLY)
        defer { close(leaky) }
        #expect(try Command.run("ls", ["/proc/self/fd"]).output == "0\n1\n2\n3\n")
    }
}

/// A dead process may stay a zombie if the container's first process does not reap.
func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? readFile("/proc/\(pid)/stat") else { return false }
    let afterName = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
    return !afterName.hasPrefix(" Z")
}
