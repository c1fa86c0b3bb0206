// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// Detached threads for work that blocks.
public enum BackgroundThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread. If none can be created, as within a limit of processes, waits until one can.
    public static func start(_ body: @escaping @Sendable () -> Void) {
        while !startNow(body) { usleep(20_000) }
    }

    /// Returns false if no thread can be created.
    static func startNow(_ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                // SAFETY: the one reference that passRetained made is taken here, by the one thread that gets it.
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        guard result == 0 else {
            // SAFETY: no thread was made that could take the reference.
            Unmanaged<Body>.fromOpaque(context).release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
