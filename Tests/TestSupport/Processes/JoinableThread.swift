// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A POSIX thread for blocking work, which Swift's cooperative pool must not do.
///
/// A thread that nobody joined is detached when its owner is released. It ends by itself and leaves nothing behind.
final class JoinableThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: Mutex<pthread_t?>

    init(_ run: @escaping @Sendable () -> Void) throws {
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            guard let argument else { return nil }
            Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }
        let code = pthread_create(&thread, nil, start, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw TestSupportError.system("pthread_create", code)
        }
        handle = Mutex(thread)
    }

    deinit {
        if let thread = takeHandle() { pthread_detach(thread) }
    }

    /// Waits until the thread has ended. A second call returns at once.
    func join() {
        if let thread = takeHandle() { pthread_join(thread, nil) }
    }

    private func takeHandle() -> pthread_t? {
        handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
    }
}
