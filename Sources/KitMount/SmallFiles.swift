// SPDX-License-Identifier: Apache-2.0
package import FuseSession
private import Synchronization

/// Small files whose bytes the kernel gets with the answer to the first open: their reads then need no request, and a
/// request costs more than to copy what it would bring.
package final class SmallFiles: Sendable {
    /// Larger ones are read as far as they are wanted.
    private static let sizeLimit: UInt64 = 64 << 10
    /// Storing waits for reads of the same file: never do more threads than this, of those that answer reads.
    private static let threadLimit = 2

    private let session = Mutex<WeakSession>(WeakSession())
    /// A bit for each inode that was stored once, by the upper and lower half of its number. If the kernel has dropped
    /// the bytes since, it asks for them.
    private let stored = Mutex<[UInt32: [UInt64]]>([:])
    private let threads = Atomic<Int>(0)

    private struct WeakSession: Sendable { weak var value: FuseSession? }

    /// Before the first request.
    package func use(_ session: FuseSession) { self.session.withLock { $0.value = session } }

    /// Stores a file that is open, unless that was done before. `size` in bytes; `read` fills a buffer of that size, and
    /// tells whether it could.
    func store(_ inode: UInt64, size: UInt64, read: (UnsafeMutableRawBufferPointer) -> Bool) {
        guard (1...Self.sizeLimit).contains(size), !isStored(inode), let session = session.withLock({ $0.value }) else {
            return
        }
        defer { threads.subtract(1, ordering: .relaxed) }
        guard threads.add(1, ordering: .relaxed).newValue <= Self.threadLimit else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(size), alignment: 16)
        defer { buffer.deallocate() }
        guard read(buffer) else { return }
        note(inode)
        session.store(buffer, inode: inode)
    }

    private func isStored(_ inode: UInt64) -> Bool {
        let (group, word, bit) = Self.bit(of: inode)
        return stored.withLock { stored in
            guard let words = stored[group], word < words.count else { return false }
            return words[word] & bit != 0
        }
    }

    private func note(_ inode: UInt64) {
        let (group, word, bit) = Self.bit(of: inode)
        stored.withLock { stored in
            let missing = word + 1 - stored[group, default: []].count
            if missing > 0 { stored[group, default: []].append(contentsOf: repeatElement(0, count: missing)) }
            stored[group, default: []][word] |= bit
        }
    }

    private static func bit(of inode: UInt64) -> (group: UInt32, word: Int, bit: UInt64) {
        let number = UInt32(truncatingIfNeeded: inode)
        return (UInt32(truncatingIfNeeded: inode >> 32), Int(number >> 6), 1 << UInt64(number & 63))
    }
}
