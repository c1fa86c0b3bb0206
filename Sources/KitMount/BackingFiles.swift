// SPDX-License-Identifier: Apache-2.0
package import FuseSession
internal import Synchronization
internal import SystemPackage

/// Who reads large files that are whole.
package enum ReadMode: Sendable {
    /// The kernel, from the cache's files.
    case passthrough
    /// The mount's process, and why.
    case read(PassthroughObstacle)
}

/// How each inode that is open is read. One inode is read in one way at a time, or the kernel refuses the open: so it
/// keeps the way of its first open until its last release, and all its opens use one backing.
package final class BackingFiles: Sendable {
    private struct Inode: Sendable {
        /// nil: read through us.
        let backing: Passthrough.BackingID?
        var opens = 1
    }

    private let passthrough: Mutex<Passthrough?> = Mutex(nil)
    private let inodes = Mutex<[UInt64: Inode]>([:])

    package init() {}

    /// Before the first request.
    package func use(_ passthrough: Passthrough) { self.passthrough.withLock { $0 = passthrough } }

    /// Counts one more open. Returns what the kernel is to read it from; nil for through us.
    func open(_ inode: UInt64, _ file: FileDescriptor?) -> Passthrough.BackingID? {
        let passthrough = passthrough.withLock { $0 }
        // Held over the call to the kernel, so that two first opens make one backing.
        return inodes.withLock { inodes in
            if let known = inodes[inode] {
                inodes[inode]?.opens += 1
                return known.backing
            }
            let backing = file.flatMap { passthrough?.open($0) }
            inodes[inode] = Inode(backing: backing)
            return backing
        }
    }

    func release(_ inode: UInt64) {
        let backing = inodes.withLock { inodes -> Passthrough.BackingID? in
            guard let known = inodes[inode] else { return nil }
            inodes[inode] = known.opens > 1 ? Inode(backing: known.backing, opens: known.opens - 1) : nil
            return known.opens > 1 ? nil : known.backing
        }
        if let backing { passthrough.withLock { $0 }?.close(backing) }
    }

    /// How large files that are whole are read; nil while that is not known. `cache` is where they are.
    package func mode(_ cache: String) -> ReadMode? {
        guard let passthrough = passthrough.withLock({ $0 }) else { return nil }
        if passthrough.isAvailable {
            // Any file of the cache will do.
            guard let file = try? FileDescriptor.open(cache + "/VERSION", .readOnly, options: .closeOnExec) else {
                return nil
            }
            defer { try? file.close() }
            guard passthrough.probe(file) else { return nil }
        }
        if passthrough.isAvailable { return .passthrough }
        return .read(PassthroughObstacle(passthrough))
    }

    /// Whether an open of a file that can be would be read by the kernel.
    func isPassedThrough(_ inode: UInt64) -> Bool {
        if let known = inodes.withLock({ $0[inode] }) { return known.backing != nil }
        return passthrough.withLock { $0 }?.isAvailable ?? false
    }
}
