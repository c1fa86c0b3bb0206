// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// A detached thread for work that blocks.
public enum BackgroundThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    public static func start(_ body: @escaping @Sendable () -> Void) {
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
        if result == 0 {
            pthread_detach(thread)
        } else {
            // No thread to be had: do it here, late is better than never.
            Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        }
    }
}
