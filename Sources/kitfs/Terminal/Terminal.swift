// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc
private import Logging
private import MountRecords
internal import Synchronization

/// Where commands print.
enum Terminal {
    static func out(_ text: String) { write(STDOUT_FILENO, Array(text.utf8)) }
    static func out(_ bytes: [UInt8]) { write(STDOUT_FILENO, bytes) }

    /// What `--json` prints: the same keys in the same order each time.
    static func out(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        out(Array(try encoder.encode(value)) + [10])
    }

    /// The same on one line.
    static func out(jsonLine value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        out(Array(try encoder.encode(value)) + [10])
    }

    /// Whether anybody reads what goes to stdout: a pipe's reader may have gone.
    static var isOutputRead: Bool {
        var state = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&state, 1, 0) <= 0 || state.revents & Int16(POLLERR | POLLHUP) == 0
    }

    /// Whether warnings and errors are for a machine, as the log is.
    static let errorsAreJSON = Atomic(false)

    /// `kitfs: TEXT` on stderr, or an object of the log.
    static func error(_ text: String, isBare: Bool = false) { tell(.error, text, isBare: isBare) }

    /// `kitfs: warning: TEXT`, likewise.
    static func warning(_ text: String) { tell(.warning, text, isBare: false) }

    private static func tell(_ level: Logger.Level, _ text: String, isBare: Bool) {
        let priority = Journal.readsErrors ? Journal.prefix(level) : ""
        if errorsAreJSON.load(ordering: .relaxed), !isBare {
            return TerminalBlock.errors.print(priority + LineLogHandler.object(level, nil, text) + "\n")
        }
        let text = level == .warning ? "warning: " + text : text
        if Journal.readsErrors {
            // Each line is a message of its own there.
            let lines = text.split(separator: "\n").map { priority + $0 + "\n" }
            return write(STDERR_FILENO, Array(lines.joined().utf8))
        }
        TerminalBlock.errors.print((isBare ? "" : "kitfs: ") + text + "\n")
    }

    /// A line on stderr that the next one replaces: for a terminal. No wider than that, or it could not be taken back.
    static func status(_ text: String) {
        let columns = TerminalBlock.size(STDERR_FILENO).columns
        write(STDERR_FILENO, Array("\r\(TableText.cut(text, to: columns - 1))\u{1b}[K".utf8))
    }

    static var outIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// A name's bytes; on a terminal, with control characters replaced.
    static func name(_ bytes: [UInt8]) -> [UInt8] {
        outIsTerminal ? bytes.map { $0 < 32 || $0 == 127 ? UInt8(ascii: "?") : $0 } : bytes
    }

    static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // A closed pipe is no failure; other lost output is.
                if errno != EPIPE, descriptor == STDOUT_FILENO { exit(CommandFailure.Code.failed.rawValue) }
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}
