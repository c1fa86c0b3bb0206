// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// Memory that a thread keeps from one request to the next, so that the kernel need not clear new pages for each.
public final class ThreadBuffer {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    private init() {}

    deinit { memory.deallocate() }

    /// Returns `count` uninitialised bytes, valid until the same thread calls again or ends.
    public static func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let buffer = current
        if buffer.memory.count < count {
            buffer.memory.deallocate()
            buffer.memory = .allocate(byteCount: count, alignment: 4096)
        }
        return UnsafeMutableRawBufferPointer(rebasing: buffer.memory[..<count])
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let result = pthread_key_create(&key) { buffer in
            // SAFETY: the reference that `current` retained, given back at the end of its thread.
            if let buffer { Unmanaged<ThreadBuffer>.fromOpaque(buffer).release() }
        }
        precondition(result == 0, "a process may have a thousand keys, and has a few")
        return key
    }()

    private static var current: ThreadBuffer {
        // SAFETY: only this sets the key, to an object that it has retained for the thread.
        if let known = pthread_getspecific(key) { return Unmanaged.fromOpaque(known).takeUnretainedValue() }
        let buffer = ThreadBuffer()
        let result = pthread_setspecific(key, Unmanaged.passRetained(buffer).toOpaque())
        precondition(result == 0, "no memory for a pointer")
        return buffer
    }
}
