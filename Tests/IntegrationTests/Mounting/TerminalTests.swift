// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// On a real terminal, bars move, lines do not wrap, and Ctrl-C leaves the terminal as it was.
@Suite struct TerminalTests {
    private let bench: CommandFixture
    private let kit: SlowKit

    init() throws {
        bench = try CommandFixture()
        kit = try SlowKit(bench)
    }

    private func window(columns: Int) throws -> TerminalWindow {
        let aliases = ["KITFS": CommandFixture.executable]
        return try TerminalWindow(
            columns: columns, rows: 20, environment: bench.environment.merging(aliases) { first, _ in first })
    }

    /// The percentages of all bars on the screen, from the top.
    private func bars(_ lines: [String]) -> [Int] {
        lines.compactMap { line in line.firstMatch(of: #/\[[=> ]*\] +([0-9]+)%/#).flatMap { Int($0.output.1) } }
    }

    /// Looks at the screen until it has seen `states` different states of the bars. Each must have `count` bars and
    /// nothing below or between them, so no line was wrapped or drawn twice.
    private func expectMotion(_ window: TerminalWindow, bars count: Int, states: Int) throws {
        var seen: Set<[Int]> = []
        try eventually(within: 30, "bars move") {
            var lines = try block(window)
            // The screen may have been read while it was drawn, or before it was drawn for a new width.
            for _ in 0..<20 where lines.count != count || bars(lines).count != count {
                usleep(100_000)
                lines = try block(window)
            }
            let screen = try window.lines()
            #expect(lines.count == count && bars(lines).count == count, "\(screen)")
            seen.insert(bars(lines))
            return seen.count >= states
        }
    }

    /// The screen from the first bar to the end.
    private func block(_ window: TerminalWindow) throws -> [String] {
        Array(try window.lines().drop { bars([$0]).isEmpty })
    }

    /// The shell's prompt is back, and typed characters and the cursor are visible.
    private func expectSane(_ window: TerminalWindow) throws {
        try eventually(within: 10, "the prompt is back") { try window.lines().last == "ready>" }
        #expect(try window.showsCursor())
        try window.type("stty -a | tr ' ;' '\\n\\n' | grep -cxE 'echo|icanon|isig|opost|onlcr'")
        try eventually(within: 10, "the terminal's settings are there") { try window.lines().dropLast().last == "5" }
        #expect(try window.lines().contains { $0.hasPrefix("ready> stty") })
    }

    @Test func pull() throws {
        kit.line.bytesPerSecond = 1 << 20
        let window = try window(columns: 70)
        try window.type("$KITFS pull \(kit.reference)")
        try eventually(within: 20, "there are bars") { bars(try window.lines()).count == 4 }
        try expectMotion(window, bars: 4, states: 3)
        try window.resize(columns: 44)
        try expectMotion(window, bars: 4, states: 3)
        kit.line.bytesPerSecond = nil
        try eventually(within: 30, "all is here") { try window.lines().contains { $0.hasPrefix("3/3 layers") } }
        let lines = try window.lines()
        #expect(bars(lines).isEmpty && lines.filter { $0.hasSuffix("here") }.count == 3, "\(lines)")
        try expectSane(window)
    }

    @Test func interruptedPull() throws {
        kit.line.bytesPerSecond = 1 << 20
        let window = try window(columns: 70)
        try window.type("$KITFS pull \(kit.reference); echo code $?")
        try eventually(within: 20, "there are bars") { bars(try window.lines()).count == 4 }
        try window.press("C-c")
        try eventually(within: 10, "it has ended") { try window.lines().contains("code 130") }
        let lines = try window.lines()
        #expect(
            bars(lines).isEmpty && lines.contains { $0.contains("interrupted; what was fetched stays") }, "\(lines)")
        try expectSane(window)
    }

    @Test func watch() throws {
        let mount = try bench.mount(kit.reference)
        kit.line.bytesPerSecond = 1 << 20
        let readers = try SlowKit.paths.map {
            try BackgroundProcess("cat", ["\(mount.path)/\($0)/bytes"], outputFile: "/dev/null")
        }
        let window = try window(columns: 70)
        try window.type("$KITFS status --watch --interval 0.2 \(mount.path)")
        try eventually(within: 20, "there are bars") { bars(try window.lines()).count == 3 }
        try expectMotion(window, bars: 3, states: 3)
        try window.resize(columns: 44)
        try expectMotion(window, bars: 3, states: 3)
        // The command is stopped and continued. It draws its bars again below, and not over the shell's lines.
        try window.press("C-z")
        try eventually(within: 10, "the shell has it") { try window.lines().last == "ready>" }
        try window.type("echo still; fg")
        try eventually(within: 10, "it is drawn again") { bars(Array(try window.lines().suffix(5))).count == 3 }
        #expect(try window.lines().contains("still"))
        try window.press("C-c")
        try expectSane(window)
        kit.line.bytesPerSecond = nil
        for reader in readers { #expect(reader.waitForExit(timeout: 20) == 0) }
        try mount.unmount()
    }
}
