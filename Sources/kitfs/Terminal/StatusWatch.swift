// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import MountRecords

/// Shows the mounts again and again: in place on a terminal, else one text below the other, and as JSON a line each
/// time. Ends by a signal, when the mount that was asked for is gone, or when nobody reads any more.
struct StatusWatch {
    /// nil for all mounts.
    let directory: String?
    let json: Bool
    /// Seconds from one look to the next.
    let interval: Double

    /// Returns the signal that ended it; nil if it ended by itself.
    func run() throws -> Int32? {
        let isInPlace = !json && Terminal.outIsTerminal
        var signals = sigset_t()
        sigemptyset(&signals)
        // The signals are consumed by the one wait, so that no drawing is interrupted.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let block = TerminalBlock(STDOUT_FILENO)
        while true {
            let mounts = StatusReport.all(on: directory)
            if let directory, mounts.isEmpty {
                block.clear()
                if !json { Terminal.out(TableText.clean("\(directory): unmounted") + "\n") }
                return nil
            }
            if isInPlace {
                let columns = TerminalBlock.size(STDOUT_FILENO).columns
                block.draw(
                    mounts.isEmpty ? ["no kit is mounted"] : StatusText(mounts: mounts).liveLines(columns: columns))
            } else if json {
                try Terminal.out(jsonLine: mounts)
            } else {
                Terminal.out("\(LineLogHandler.time())\n" + StatusText(mounts: mounts).lines.map { $0 + "\n" }.joined())
            }
            switch wait(&signals) {
            case nil where Terminal.isOutputRead, SIGWINCH: break
            case nil: return nil
            case SIGTSTP: block.suspend()
            // Stopped in another way: a shell may have had the terminal meanwhile.
            case SIGCONT: block.forget()
            case let signal?:
                // The terminal has shown ^C where the cursor was.
                if isInPlace { Terminal.out("\r\u{1b}[K") }
                return signal
            }
        }
    }

    /// The signal that came meanwhile; nil after the interval.
    private func wait(_ signals: inout sigset_t) -> Int32? {
        var time = timespec(tv_sec: Int(interval), tv_nsec: Int((interval - interval.rounded(.down)) * 1e9))
        var signal = sigtimedwait(&signals, nil, &time)
        if signal < 0, errno == EINTR {
            // The process was stopped and continued: SIGCONT is pending by now.
            var none = timespec()
            signal = sigtimedwait(&signals, nil, &none)
        }
        return signal > 0 ? signal : nil
    }
}
