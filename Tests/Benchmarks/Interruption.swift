// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Threading

/// On Ctrl-C, removes what the bench has mounted and started.
enum Interruption {
    private static let cleanups = Mutex<[@Sendable () -> Void]>([])

    /// Must be called before any other thread is started, so that all threads block the signals and this one gets them.
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

    /// - Parameter cleanup: may be called although its work is already done. It must hold its object weakly, so that
    ///   the object is released as usual when nobody interrupts.
    static func cleanUp(_ cleanup: @escaping @Sendable () -> Void) { cleanups.withLock { $0.append(cleanup) } }
}
