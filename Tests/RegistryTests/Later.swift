// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import TestSupport

/// Does something on a thread of its own after a while.
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
