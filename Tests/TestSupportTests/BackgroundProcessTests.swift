// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

@Suite struct BackgroundProcessTests {
    @Test func outputIsThereWhileItRuns() throws {
        let process = try BackgroundProcess("sh", ["-c", "echo ready; echo bad >&2; exec sleep 60"])
        try eventually(within: 5, "both lines") { process.output == "ready\n" && process.errorOutput == "bad\n" }
        #expect(process.isRunning)
        #expect(process.waitForExit(timeout: 0.05) == nil)
        #expect(process.terminate() == 128 + SIGTERM)
        #expect(!process.isRunning)
    }

    @Test func signalsArrive() throws {
        let process = try BackgroundProcess("sleep", ["60"])
        process.kill(signal: SIGINT)
        #expect(process.waitForExit(timeout: 5) == 128 + SIGINT)
        process.kill(signal: SIGKILL)
    }

    @Test func whoIgnoresTerminationIsKilled() throws {
        let process = try BackgroundProcess("sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"])
        try eventually(within: 5, "the trap") { process.output == "ready\n" }
        #expect(process.terminate(grace: 0.2) == 128 + SIGKILL)
    }

    @Test func droppingItKillsAndReaps() throws {
        var process: BackgroundProcess? = try BackgroundProcess("sleep", ["60"])
        let pid = try #require(process?.pid)
        #expect(isAlive(pid))
        process = nil
        // The process is no zombie either: its pid does not exist any more.
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }

    @Test func anEndedOneIsNoZombieEvenIfNobodyAsks() throws {
        let process = try BackgroundProcess("true", [])
        try eventually(within: 5, "it is reaped") { kill(process.pid, 0) == -1 && errno == ESRCH }
    }

    @Test func outputGoesToFiles() throws {
        let directory = try TemporaryDirectory()
        let (out, err) = (directory.path + "/out", directory.path + "/err")
        for _ in 0..<2 {
            let process = try BackgroundProcess("sh", ["-c", "echo o; echo e >&2"], outputFile: out, errorFile: err)
            #expect(process.waitForExit(timeout: 5) == 0)
        }
        #expect(try readFile(out) == Array("o\no\n".utf8))
        #expect(try readFile(err) == Array("e\ne\n".utf8))
    }
}
