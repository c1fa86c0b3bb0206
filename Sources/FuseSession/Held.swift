// SPDX-License-Identifier: Apache-2.0
private import CFuse
private import Glibc
private import Synchronization
private import Threading

/// A request that waits. It occupies no thread and is answered by whoever takes it first.
public final class Held<Request: FuseRequest & ~Copyable>: Sendable {
    private let request: Mutex<Request?>
    private let key: UInt64

    /// `interrupted` is called on the interrupts' thread when a signal has come for the caller. It should take the
    /// request and answer EINTR. It is called at most once, and not after `take`.
    public init(_ request: consuming Request, interrupted: @escaping @Sendable () -> Void) {
        let handle = request.handle
        self.request = Mutex(request)
        key = Interrupts.shared.nextKey()
        Interrupts.shared.register(key, interrupted)
        // Under the lock nobody can answer, so that libfuse cannot free the request while the callback is set. For an
        // earlier interrupt libfuse calls back at once; the interrupts' thread handles that later.
        self.request.withLock { _ in
            fuse_req_interrupt_func(
                handle.raw,
                { _, key in Interrupts.shared.post(UInt64(UInt(bitPattern: key))) },
                UnsafeMutableRawPointer(bitPattern: UInt(key)))
        }
    }

    deinit { Interrupts.shared.forget(key) }

    /// Returns the request to the first caller; nil to all others.
    public func take() -> Request? {
        Interrupts.shared.forget(key)
        return request.withLock { $0.take() }
    }
}

/// Passes interrupts from libfuse's callback, which must not answer requests, to a thread that may. Requests are named
/// by keys, since libfuse also calls back for requests that were answered meanwhile.
private final class Interrupts: Sendable {
    static let shared = Interrupts()

    private let actions = Mutex<[UInt64: @Sendable () -> Void]>([:])
    private let lastKey = Atomic<UInt64>(0)
    private let queue = Monitor<[UInt64]>([])

    private init() {
        BackgroundThread.start { [self] in
            while true {
                let keys = queue.wait { queue -> [UInt64]? in
                    guard !queue.isEmpty else { return nil }
                    defer { queue = [] }
                    return queue
                }
                for key in keys { actions.withLock { $0.removeValue(forKey: key) }?() }
            }
        }
    }

    func nextKey() -> UInt64 { lastKey.add(1, ordering: .relaxed).newValue }

    func register(_ key: UInt64, _ action: @escaping @Sendable () -> Void) {
        actions.withLock { $0[key] = action }
    }

    func forget(_ key: UInt64) {
        actions.withLock { _ = $0.removeValue(forKey: key) }
    }

    func post(_ key: UInt64) { queue.update { $0.append(key) } }
}
