// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What this process was told of signals by whoever started it, for those that it starts itself.
struct InheritedSignals {
    var blocked: sigset_t
    /// Those that we ignore and others did not.
    var defaults = sigset_t()

    /// Before anything of it is changed. A reader that goes away (`kitfs ls | head`) is no reason to die without a word.
    static func takeOver() -> InheritedSignals {
        var blocked = sigset_t()
        sigprocmask(SIG_BLOCK, nil, &blocked)
        var signals = InheritedSignals(blocked: blocked)
        sigemptyset(&signals.defaults)
        var before = sigaction()
        sigaction(SIGPIPE, nil, &before)
        // SIG_DFL is no handler: a null pointer.
        if before.__sigaction_handler.sa_handler == nil { sigaddset(&signals.defaults, SIGPIPE) }
        signal(SIGPIPE, SIG_IGN)
        return signals
    }

    /// As it was, for a program that takes our place.
    func restore() {
        if sigismember([defaults], SIGPIPE) == 1 { signal(SIGPIPE, SIG_DFL) }
        sigprocmask(SIG_SETMASK, [blocked], nil)
    }
}
