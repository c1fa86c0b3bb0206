// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import Synchronization

/// Lines at the end of a terminal that are redrawn in place. No setting of the terminal is changed, so nothing must be
/// restored however the command ends.
final class TerminalBlock: Sendable {
    /// The block of stderr, where log and warnings go as well.
    static let errors = TerminalBlock(STDERR_FILENO)

    private struct State {
        var lines: [String] = []
        var last: [String] = []
        /// The cells of each line that stands there now; the cursor is at the start of the line below.
        var drawn: [Int] = []
    }

    private let descriptor: Int32
    // The lock is held during the write, so that `drawn` matches the screen.
    private let state = Mutex(State())

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Cells in a line and lines on the screen, as they are now.
    static func size(_ descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1, size.ws_row > 1 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Replaces what stands there. A line is cut to the width, and what exceeds the screen is left out but for `last`:
    /// neither could be drawn over.
    func draw(_ lines: [String], last: [String] = []) {
        state.withLock { state in
            state.lines = lines
            state.last = last
            Terminal.write(descriptor, Array(drawing(&state, above: "").utf8))
        }
    }

    /// Erases the block.
    func clear() {
        state.withLock { state in
            guard !state.drawn.isEmpty else { return }
            Terminal.write(descriptor, Array((start(state.drawn) + "\u{1b}[J").utf8))
            state = State()
        }
    }

    /// Forgets the block without erasing it: others have written below it.
    func forget() { state.withLock { $0 = State() } }

    /// For Ctrl-Z, with SIGTSTP blocked: stops this process until it is told to go on, and then draws below what the shell
    /// has written. Nothing is drawn in between.
    func suspend() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTSTP)
        state.withLock { [signals] state in
            var signals = signals
            state = State()
            // Left to the kernel, which does not stop what no shell would continue.
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            raise(SIGTSTP)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            // A pending SIGCONT is consumed, since drawing again answers it.
            sigemptyset(&signals)
            sigaddset(&signals, SIGCONT)
            var none = timespec()
            sigtimedwait(&signals, nil, &none)
        }
    }

    /// Writes whole lines above the block, or just writes them where there is none.
    func print(_ text: String) {
        state.withLock { state in
            let isShown = !state.drawn.isEmpty
            Terminal.write(descriptor, Array((isShown ? drawing(&state, above: text) : text).utf8))
        }
    }

    // MARK: What is written: at once, or it would flicker

    private func drawing(_ state: inout State, above text: String) -> String {
        let (columns, rows) = Self.size(descriptor)
        let room = max(1, rows - 1 - state.last.count)
        var shown = state.lines.map { TableText.cut($0, to: columns - 1) }
        if shown.count > room {
            let hidden = shown.count - room + 1
            shown = shown.prefix(room - 1) + [TableText.cut("  … and \(hidden) lines more", to: columns - 1)]
        }
        shown += state.last.map { TableText.cut($0, to: columns - 1) }
        defer { state.drawn = shown.map(TableText.width) }
        let above = text.isEmpty ? "" : "\u{1b}[J" + text.replacing("\n", with: "\r\n")
        return start(state.drawn) + above + shown.map { $0 + "\u{1b}[K\r\n" }.joined() + "\u{1b}[J"
    }

    /// To the start of the block. Where the terminal has become narrower, its lines have been wrapped.
    private func start(_ drawn: [Int]) -> String {
        let (columns, rows) = Self.size(descriptor)
        let height = drawn.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
        return height == 0 ? "\r" : "\r\u{1b}[\(min(height, rows - 1))A"
    }
}
