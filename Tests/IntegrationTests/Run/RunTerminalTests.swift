// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// `kitfs run` on a real terminal. What it waits for is shown below the command's output, and removed afterwards.
@Suite struct RunTerminalTests {
    private let bench: CommandFixture
    private let proxy: FaultProxy
    private let reference: String
    private let registry: DockerRegistry

    init() throws {
        bench = try CommandFixture()
        bench.environment["XDG_RUNTIME_DIR"] = try bench.directory.subdirectory("run")
        registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "p:v1")
        proxy = try FaultProxy(upstreamPort: registry.port)
        reference = "\(proxy.host)/p:v1"
    }

    private func line(_ command: String) -> String {
        let words = bench.logged(["run", reference, "--", "sh", "-c"])
        return ([CommandFixture.executable] + words).joined(separator: " ") + " '\(command)'"
    }

    /// The command has written half a line. The other half comes right after it.
    @Test func whatIsWaitedFor() throws {
        let go = bench.directory.path + "/go"
        let window = try TerminalWindow(columns: 80, rows: 10, environment: bench.environment)
        try window.type(
            line(
                "ls $KITFS_MOUNT/data >/dev/null; printf \"loading \"; while [ ! -e \(go) ]; do sleep 0.05; done; "
                    + "wc -c <$KITFS_MOUNT/data/train/s0/p/f0.bin; exit 6"))
        try eventually(within: 30, "the command runs") { try window.lines().contains("loading") }
        proxy.stalled = true
        try writeFile(go, [])
        try eventually(within: 30, "the wait is shown") {
            try window.lines().contains { $0.contains(#/^kitfs: waiting for dataset data, \d+ s: .*of 224KiB/#) }
        }
        let lines = try window.lines()
        let place = try #require(lines.firstIndex(of: "loading"))
        #expect(lines[place + 1].hasPrefix("kitfs: waiting"), "\(lines)")
        proxy.stalled = false
        try eventually(within: 30, "the layer comes") { try window.lines().last == "ready>" }
        try window.type("echo code $?")
        try eventually(within: 30, "the command has ended") { try window.lines().contains("code 6") }
        let text = try window.lines()
        #expect(text.contains("loading 1000"), "\(text)")
        #expect(!text.contains { $0.contains("waiting") }, "\(text)")
        #expect(try window.showsCursor())
    }

    @Test func interruptedItLeavesTheTerminalSane() throws {
        let window = try TerminalWindow(columns: 60, rows: 10, environment: bench.environment)
        try window.type(line("echo runs; ls $KITFS_MOUNT/data/train >/dev/null; read _; cat $KITFS_MOUNT/README.md"))
        try eventually(within: 30, "the command runs") { try window.lines().contains("runs") }
        proxy.stalled = true
        try window.press("Enter")
        try eventually(within: 30, "the wait is shown") {
            try window.lines().contains { $0.hasPrefix("kitfs: waiting") }
        }
        // The line is cut to the terminal's width, and not wrapped.
        let shown = try #require(try window.lines().first { $0.hasPrefix("kitfs: waiting") })
        #expect(try window.unwrappedLines().contains { $0.hasPrefix("kitfs: waiting") && $0.count < 60 }, "\(shown)")
        try window.press("C-c")
        try window.type("echo code $?")
        try eventually(within: 30, "the prompt is back") { try window.lines().contains("code 130") }
        #expect(try !window.lines().contains { $0.hasPrefix("kitfs: waiting") })
        try eventually(within: 10, "nothing is left") {
            try Command.run("pgrep", ["-f", "kitfs run \(reference)"]).output == ""
        }
    }

    /// Ctrl-Z stops the command and kitfs. `fg` continues both.
    @Test func jobControl() throws {
        let window = try TerminalWindow(columns: 80, rows: 20, environment: bench.environment)
        try window.type(line("echo runs; read word; echo \"read $word\"; exit 5"))
        try eventually(within: 30, "the command runs") { try window.lines().contains("runs") }
        try window.press("C-z")
        try eventually(within: 30, "the job has stopped") { try window.lines().contains { $0.contains("Stopped") } }
        try window.type("jobs")
        try window.type("fg")
        try window.type("on")
        try window.type("echo code $?")
        try eventually(within: 30, "it went on") { try window.lines().contains("code 5") }
        #expect(try window.lines().contains("read on"))
    }

    /// Into a pipe there are no control characters, and there are progress lines only on request.
    @Test(arguments: [nil, "plain"]) func intoAPipe(_ style: String?) throws {
        let go = bench.directory.path + "/go"
        let script = """
            ls $KITFS_MOUNT/data >/dev/null; echo runs; while [ ! -e \(go) ]; do sleep 0.05; done
            wc -c <$KITFS_MOUNT/data/train/s0/p/f0.bin
            """
        let options = style.map { ["--progress", $0] } ?? []
        let process = try BackgroundProcess(
            CommandFixture.executable, bench.logged(["run", reference] + options + ["--", "sh", "-c", script]),
            environment: bench.environment)
        try eventually(within: 30, "the command runs") { process.output.contains("runs") }
        proxy.stalled = true
        let connections = proxy.connections
        try writeFile(go, [])
        if style == nil {
            try eventually(within: 30, "it fetches") { proxy.connections > connections || proxy.openConnections > 0 }
        } else {
            try eventually(within: 30, "the wait is told") {
                process.errorOutput.contains("kitfs: waiting for dataset data, ")
            }
        }
        proxy.stalled = false
        #expect(process.waitForExit(timeout: 30) == 0)
        #expect(process.output.hasSuffix("1000\n"))
        #expect(!process.stderr.contains(27) && !process.stderr.contains(13), "\(process.errorOutput)")
        if style == nil { #expect(process.errorOutput == "") }
    }
}
