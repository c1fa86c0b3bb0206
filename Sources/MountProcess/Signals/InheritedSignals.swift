// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The signal mask and dispositions that this process was started with, for its children.
package struct InheritedSignals: Sendable {
    var blocked: sigset_t
    /// Signals that kitfs ignores and its parent did not.
    var defaults = sigset_t()

    /// A closed pipe (`kitfs ls | head`) or a file size limit (`ulimit -f`) must not kill the process silently.
    private static let ignored = [SIGPIPE, SIGXFSZ]

    /// To be called before any signal's disposition changes.
    package static func takeOver() -> InheritedSignals {
        var blocked = sigset_t()
        sigprocmask(SIG_BLOCK, nil, &blocked)
        var signals = InheritedSignals(blocked: blocked)
        sigemptyset(&signals.defaults)
        for number in ignored {
            var before = sigaction()
            sigaction(number, nil, &before)
            // SIG_DFL is no handler: a null pointer.
            if before.__sigaction_handler.sa_handler == nil { sigaddset(&signals.defaults, number) }
            signal(number, SIG_IGN)
        }
        return signals
    }

    /// Restores them, before an exec.
    func restore() {
        for number in Self.ignored where sigismember([defaults], number) == 1 { signal(number, SIG_DFL) }
        sigprocmask(SIG_SETMASK, [blocked], nil)
    }
}
