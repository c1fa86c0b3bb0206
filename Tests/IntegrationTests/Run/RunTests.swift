// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// `kitfs run`: a command with its own mount, as the user who runs the tests.
@Suite struct RunTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws {
        bench = try CommandFixture()
        bench.environment["XDG_RUNTIME_DIR"] = try bench.directory.subdirectory("run")
    }

    private func run(_ options: [String] = [], _ command: String...) throws -> CommandResult {
        try bench.run(["run", reference] + options + ["--"] + command)
    }

    private func start(_ options: [String] = [], _ command: String...) throws -> BackgroundProcess {
        try BackgroundProcess(
            CommandFixture.executable, bench.logged(["run", reference] + options + ["--"] + command),
            environment: bench.environment)
    }

    /// The processes of this bench: `kitfs run` itself, its server, and commands that name its directory.
    private func processes() throws -> [Int32] {
        try Command.run("pgrep", ["-f", bench.directory.path]).output.split(separator: "\n").compactMap { Int32($0) }
    }

    private func expectNothingLeft() throws {
        try eventually(within: 10, "no process is left") { try processes().isEmpty }
        #expect(try !bench.kitfs("status", "--json").contains(bench.directory.path))
        let runtime = geteuid() == 0 ? "/run/kitfs" : bench.directory.path + "/run/kitfs"
        try eventually(within: 10, "no directory is left but those that other tests have mounted on") {
            let directories = try Command.run("find", [runtime, "-name", "run-*", "-newer", bench.cache]).output
            return try directories.split(separator: "\n").allSatisfy { directory in
                try Command.run("mountpoint", ["-q", String(directory)]).exitCode == 0
                    || access(String(directory), F_OK) != 0
            }
        }
    }

    @Test func theCommandSeesTheKitAndNobodyElse() throws {
        let result = try run(
            [], "sh", "-c", "cat $KITFS_MOUNT/README.md; echo; echo $KITFS_MOUNT; findmnt -no FSTYPE $KITFS_MOUNT")
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.first == "# plain small" && lines.last == "fuse.kitfs", "\(result.output)")
        #expect(result.errorOutput == "")
        let place = String(lines[lines.count - 2])
        #expect(place.hasSuffix("/kitfs/run"))
        #expect(try readFile("/proc/self/mountinfo").isEmpty == false)
        #expect(!String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).contains(" \(place) "))
        try expectNothingLeft()
    }

    @Test func codes() throws {
        let cases: [(arguments: [String], code: Int32, says: String)] = [
            (["run", reference, "--", "sh", "-c", "exit 7"], 7, ""),
            (["run", reference, "--", "sh", "-c", "kill -KILL $$"], 137, ""),
            (["run", reference, "--", "sh", "-c", "kill -SEGV $$"], 139, ""),
            (["run", reference, "--", "/nowhere/at/all"], 127, "/nowhere/at/all: No such file"),
            (["run", reference, "--", "no-such-program"], 127, "no-such-program: No such file"),
            (["run", reference, "--", "/dev/null"], 126, "/dev/null: Permission denied"),
            (["run", reference], 125, "kitfs run REF -- CMD"),
            (["run", reference, "--frobnicate", "--", "true"], 125, "--frobnicate"),
            (["run", "oci:/nowhere", "--", "true"], 125, "/nowhere"),
            (["run", reference, "--at", "/nowhere/at/all", "--", "true"], 125, "mkdir -p"),
            (["run", reference, "--at", "/etc/hostname", "--", "true"], 125, "not a directory"),
        ]
        for (arguments, code, says) in cases {
            let result = try bench.run(arguments)
            #expect(result.exitCode == code, "\(arguments): \(result.exitCode): \(result.errorOutput)")
            #expect(result.errorOutput.contains(says), "\(arguments): \(result.errorOutput)")
        }
        try expectNothingLeft()
    }

    /// A process whose working directory is the target sees the mount by relative paths too.
    @Test func atADirectory() throws {
        let target = try bench.directory.subdirectory("m")
        try writeFile(target + "/covered", [])
        let arguments = ["run", reference, "--at", ".", "--", "sh", "-c", "ls; echo $KITFS_MOUNT; echo $PPID >&2"]
        let result = try Command.run(
            CommandFixture.executable, bench.logged(arguments), environment: bench.environment, workingDirectory: target
        )
        #expect(result.exitCode == 0 && result.output.hasPrefix("Kitfile\nREADME.md\n"), "\(result.errorOutput)")
        #expect(result.output.hasSuffix("\n\(target)\n"))
        #expect(access(target + "/covered", F_OK) == 0)
        try expectNothingLeft()
    }

    @Test func twoKitsOneInTheOther() throws {
        let other = "oci:\(Fixtures.layout("unicode-paths")):v1"
        let script = """
            echo $KITFS_MOUNT; "\(CommandFixture.executable)" run \(other) -- sh -c 'ls '$KITFS_MOUNT'; ls $KITFS_MOUNT'
            """
        let result = try run([], "sh", "-c", script)
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(result.output.contains("README.md") && result.output.contains("Kitfile"))
        #expect(result.output.split(separator: "\n").filter { $0 == "Kitfile" }.count == 2, "\(result.output)")
        try expectNothingLeft()
    }

    // MARK: Signals

    @Test func signalsAreTheCommands() throws {
        let names = ["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "ALRM", "TERM"]
        let process = try start(
            [], "python3", "-c",
            """
            import os, signal, sys
            def say(number, frame):
                print(number, flush=True)
                if number == signal.SIGTERM: sys.exit(len(os.listdir(os.environ['KITFS_MOUNT'])))
            for name in sys.argv[1:]: signal.signal(getattr(signal, 'SIG' + name), say)
            print('ready', flush=True)
            while True: signal.pause()
            """, names[0], names[1], names[2], names[3], names[4], names[5], names[6], names[7])
        try eventually(within: 20, "the command runs") { process.output.contains("ready") }
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGTERM] {
            process.kill(signal: signal)
            try eventually(within: 10, "the command gets \(signal)") { process.output.contains("\n\(signal)\n") }
        }
        #expect(process.waitForExit(timeout: 10) == 5, "\(process.errorOutput)")
        try expectNothingLeft()
    }

    @Test func aCommandThatASignalKills() throws {
        let process = try start([], "sh", "-c", "echo ready; exec sleep 60")
        try eventually(within: 20, "the command runs") { process.output.contains("ready") }
        process.kill(signal: SIGTERM)
        #expect(process.waitForExit(timeout: 10) == 128 + SIGTERM)
        try expectNothingLeft()
    }

    @Test func aSignalBeforeThereIsACommand() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "p:v1")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        proxy.stalled = true
        let process = try BackgroundProcess(
            CommandFixture.executable, bench.logged(["run", "\(proxy.host)/p:v1", "--", "echo", "ran"]),
            environment: bench.environment)
        try eventually(within: 10, "the registry is asked") { proxy.openConnections > 0 }
        process.kill(signal: SIGINT)
        #expect(process.waitForExit(timeout: 10) == 128 + SIGINT)
        #expect(process.output == "")
        try expectNothingLeft()
    }

    // MARK: Who outlives whom

    @Test func killedItLeavesNothing() throws {
        let process = try start(
            [], "sh", "-c", "sleep 1000 & echo $! $$; exec 5<$KITFS_MOUNT/README.md; while :; do sleep 0.1; done")
        try eventually(within: 20, "the command runs") { process.output.contains("\n") }
        let children = process.output.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        defer { kill(children[0], SIGKILL) }
        process.kill(signal: SIGKILL)
        #expect(process.waitForExit(timeout: 10) == 128 + SIGKILL)
        // The command's background process is left alone. The command and the server are gone.
        try eventually(within: 10, "the command ends") { kill(children[1], 0) != 0 }
        try expectNothingLeft()
    }

    @Test func aChildInTheBackgroundKeepsTheMount() throws {
        let output = bench.directory.path + "/said"
        let go = bench.directory.path + "/go"
        let script = "(while [ ! -e \(go) ]; do sleep 0.05; done; cat $KITFS_MOUNT/README.md >\(output)) & exit 4"
        let result = try run([], "sh", "-c", script)
        #expect(result.exitCode == 4)
        #expect(try processes().count >= 2)
        #expect(try bench.kitfs("status", "--json").contains("kitfs/run"))
        try writeFile(go, [])
        try expectNothingLeft()
        #expect(try readFile(output).count == 26)
    }

    @Test func theMountCanBeToldToEnd() throws {
        let go = bench.directory.path + "/go"
        let process = try start(
            [], "sh", "-c",
            "echo ready; while ls $KITFS_MOUNT >/dev/null; do sleep 0.05; done; while [ ! -e \(go) ]; do sleep 0.05; done; exit 9"
        )
        try eventually(within: 20, "the command runs") { process.output.contains("ready") }
        let server = try #require(try processes().first { $0 != process.pid && isServer($0) })
        #expect(try bench.kitfs("status").contains("of a command's own  \(reference)"))
        kill(server, SIGTERM)
        try eventually(within: 10, "it is told") { process.errorOutput.contains("the mount's process has ended") }
        try writeFile(go, [])
        #expect(process.waitForExit(timeout: 10) == 9)
        try expectNothingLeft()
    }

    private func isServer(_ process: Int32) -> Bool {
        guard let line = try? readFile("/proc/\(process)/cmdline") else { return false }
        let words = String(decoding: line, as: UTF8.self).split(separator: "\0")
        return words.dropFirst().first == "run" && !words.contains("--")
    }

    // MARK: Without a namespace

    @Test func anOrdinaryMountEndsWithTheCommand() throws {
        let process = try start(["--no-namespace"], "sh", "-c", "echo $KITFS_MOUNT; read _ || sleep 60")
        try eventually(within: 20, "the command runs") { process.output.contains("\n") }
        let place = String(process.output.dropLast())
        #expect(place.contains("/kitfs/run-"))
        #expect(try readFile(place + "/README.md").count == 26)
        process.kill(signal: SIGTERM)
        #expect(process.waitForExit(timeout: 10) == 128 + SIGTERM)
        #expect(access(place, F_OK) != 0)
        try expectNothingLeft()
    }

    @Test func killedWithAnOrdinaryMount() throws {
        let target = try bench.directory.subdirectory("m")
        let process = try start(["--no-namespace", "--at", target], "sh", "-c", "echo ready; exec sleep 60")
        try eventually(within: 20, "the command runs") { process.output.contains("ready") }
        #expect(try readFile(target + "/README.md").count == 26)
        process.kill(signal: SIGKILL)
        _ = process.waitForExit(timeout: 10)
        try expectNothingLeft()
        #expect(!String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).contains(" \(target) "))
    }

    /// The child still reads its open file, although no path leads to it any more.
    @Test func whatAChildHasOpenOfAnOrdinaryMount() throws {
        let output = bench.directory.path + "/said"
        let go = bench.directory.path + "/go"
        let script = """
            exec 5<$KITFS_MOUNT/README.md
            (while [ ! -e \(go) ]; do sleep 0.05; done; cat <&5 >\(output)) >/dev/null 2>&1 & exit 4
            """
        #expect(try run(["--no-namespace"], "sh", "-c", script).exitCode == 4)
        try writeFile(go, [])
        try expectNothingLeft()
        #expect(try readFile(output).count == 26)
    }
}
