// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Threading

/// Ctrl-C: what the bench has mounted and started is taken down all the same.
enum Interruption {
    private static let cleanups = Mutex<[@Sendable () -> Void]>([])

    /// Before any other thread is started, so that all of them leave the signals to this one.
    static func watch() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        BackgroundThread.start { [signals] in
            var signals = signals
            var signal: Int32 = 0
            sigwait(&signals, &signal)
            for cleanup in cleanups.withLock({ $0 }).reversed() { cleanup() }
            _exit(128 + signal)
        }
    }

    /// - Parameter cleanup: may be called although what it undoes has been undone. It must not keep that alive, which goes
    ///   by itself where nobody interrupts.
    static func cleanUp(_ cleanup: @escaping @Sendable () -> Void) { cleanups.withLock { $0.append(cleanup) } }
}
