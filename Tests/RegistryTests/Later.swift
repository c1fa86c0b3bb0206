// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import TestSupport

/// Runs a closure after a delay, on a thread of its own.
struct Later {
    private let thread: JoinableThread

    init(seconds: Double, _ body: @escaping @Sendable () -> Void) throws {
        thread = try JoinableThread {
            usleep(UInt32(seconds * 1e6))
            body()
        }
    }

    func join() { thread.join() }
}
