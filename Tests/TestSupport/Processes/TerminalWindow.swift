// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A real terminal with a shell: a window of a tmux server of its own. The release of this object ends it and all that
/// runs in it.
public final class TerminalWindow: Sendable {
    private let server = "kitfs-\(UInt64.random(in: 0 ... .max))"

    /// `environment` is added to the shell's.
    public init(columns: Int, rows: Int, environment: [String: String] = [:]) throws {
        let variables = environment.flatMap { ["-e", "\($0.key)=\($0.value)"] }
        try tmux(
            ["-f", "/dev/null", "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)"] + variables
                + ["-e", "PS1=ready> ", "bash", "--norc", "--noprofile"])
        try eventually(within: 10, "the shell has come") { try lines().last == "ready>" }
    }

    deinit { _ = try? tmux(["kill-server"]) }

    @discardableResult
    private func tmux(_ arguments: [String]) throws -> String {
        try Command.check("tmux", ["-L", server] + arguments, environment: ["TERM": "xterm-256color"]).output
    }

    /// Types a line and presses Enter.
    public func type(_ line: String) throws {
        try tmux(["send-keys", "-l", line])
        try press("Enter")
    }

    /// Presses a key, by tmux's name for it: `C-c`, `Enter`.
    public func press(_ key: String) throws { try tmux(["send-keys", key]) }

    public func resize(columns: Int) throws { try tmux(["resize-window", "-x", "\(columns)"]) }

    /// The lines on the screen, without the empty ones at its end.
    public func lines() throws -> [String] { try captured([]) }

    /// The same, with wrapped lines joined. If no line was wrapped, there are as many as in ``lines()``.
    public func unwrappedLines() throws -> [String] { try captured(["-J"]) }

    private func captured(_ options: [String]) throws -> [String] {
        let text = try tmux(["capture-pane", "-p"] + options)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Whether the cursor is visible.
    public func showsCursor() throws -> Bool {
        try tmux(["display-message", "-p", "#{cursor_flag}"]).hasPrefix("1")
    }
}
