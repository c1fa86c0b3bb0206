// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What this process was told of signals by whoever started it, for those that it starts itself.
package struct InheritedSignals: Sendable {
    var blocked: sigset_t
    /// Those that we ignore and others did not.
    var defaults = sigset_t()

    /// A reader that goes away (`kitfs ls | head`) is no reason to die without a word, nor is a limit on the size of files
    /// (`ulimit -f`).
    private static let ignored = [SIGPIPE, SIGXFSZ]

    /// Before anything of it is changed.
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

    /// As it was, for a program that takes our place.
    func restore() {
        for number in Self.ignored where sigismember([defaults], number) == 1 { signal(number, SIG_DFL) }
        sigprocmask(SIG_SETMASK, [blocked], nil)
    }
}
