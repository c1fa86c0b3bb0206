// SPDX-License-Identifier: Apache-2.0
package import FuseSession
private import Synchronization

/// Stores small files in the kernel's page cache at their first open, so that reads need no request. A request costs
/// more than the copy.
package final class SmallFiles: Sendable {
    /// Bytes. Larger files are read on demand.
    private static let sizeLimit: UInt64 = 64 << 10
    /// Storing blocks while a read of the same file is answered, so only this many threads may do it at a time.
    private static let threadLimit = 2

    private let session = Mutex<WeakSession>(WeakSession())
    /// A bit for each inode that was stored once, by the upper and lower half of its number. If the kernel has dropped
    /// the pages since, it reads them again.
    private let stored = Mutex<[UInt32: [UInt64]]>([:])
    private let threads = Atomic<Int>(0)

    private struct WeakSession: Sendable { weak var value: FuseSession? }

    /// To be called before the first request.
    package func use(_ session: FuseSession) { self.session.withLock { $0.value = session } }

    /// Stores an open file, once. `size`: in bytes. `read` fills a buffer of that size and returns whether it could.
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
