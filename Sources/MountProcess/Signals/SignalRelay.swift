// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc
private import MountRecords

/// The signals that `kitfs run` forwards to its command, through a signalfd.
struct SignalRelay {
    /// Readable when one has come.
    let descriptor: Int32

    struct Arrival {
        let signal: Int32
        /// Whether the terminal sent it to the whole process group, so that the command has it already.
        let isOfTerminal: Bool
    }

    static let passedOn = [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,
    ]
    /// Those that end `kitfs run` while there is no command to pass them on to.
    static let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]

    /// Before any child is started, and any thread.
    init() throws {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in Self.passedOn + [SIGCHLD] { sigaddset(&signals, signal) }
        sigprocmask(SIG_BLOCK, &signals, nil)
        descriptor = clinux_signal_descriptor(&signals)
        guard descriptor >= 0 else {
            throw CommandFailure(.failed, "signals cannot be waited for: \(String(cString: strerror(errno)))")
        }
    }

    /// The next that has come; nil if none has.
    func next() -> Arrival? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard read(descriptor, &info, size) == size else { return nil }
        let fromKernel: Int32 = 0x80  // SI_KERNEL
        return Arrival(signal: Int32(info.ssi_signo), isOfTerminal: info.ssi_code == fromKernel)
    }
}
