// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What a mount's process changes of itself.
enum ProcessSetup {
    /// Replaces the standard streams, so that the parent's pipes close.
    static func closeOutput() {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(null, descriptor) }
        close(null)
    }

    /// Each open file of the mount may need a descriptor here.
    static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The signals that end a mount.
    static var endingSignals: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, signal) }
        return signals
    }

    /// Blocks the signals before any thread starts, so that all threads inherit that. One thread waits for them.
    static func blockEndingSignals() {
        var signals = endingSignals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
