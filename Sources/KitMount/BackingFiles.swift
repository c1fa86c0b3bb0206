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

/// The backing of each open inode. The kernel refuses to open an inode both with and without passthrough. An inode
/// therefore keeps the mode of its first open until its last release, and all its opens share one backing.
package final class BackingFiles: Sendable {
    private struct Inode: Sendable {
        /// nil where the mount's process answers reads.
        let backing: Passthrough.BackingID?
        var opens = 1
    }

    private let passthrough: Mutex<Passthrough?> = Mutex(nil)
    private let inodes = Mutex<[UInt64: Inode]>([:])

    package init() {}

    /// To be called before the first request.
    package func use(_ passthrough: Passthrough) { self.passthrough.withLock { $0 = passthrough } }

    /// Counts an open. Returns the backing for passthrough; nil where the mount's process answers reads.
    func open(_ inode: UInt64, _ file: FileDescriptor?) -> Passthrough.BackingID? {
        let passthrough = passthrough.withLock { $0 }
        // The lock is held during the ioctl so that two concurrent first opens make one backing.
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

    /// Who reads large cached files; nil while that is unknown. `cache`: the directory of the cache.
    package func mode(_ cache: String) -> ReadMode? {
        guard let passthrough = passthrough.withLock({ $0 }) else { return nil }
        if passthrough.isAvailable {
            // Any file of the cache serves as a probe.
            // A cache whose marker cannot be opened has no large files yet: the mode is unknown.
            guard let file = try? FileDescriptor.open(cache + "/VERSION", .readOnly, options: .closeOnExec) else {
                return nil
            }
            // Nothing was written: closing loses nothing.
            defer { try? file.close() }
            guard passthrough.probe(file) else { return nil }
        }
        if passthrough.isAvailable { return .passthrough }
        return .read(PassthroughObstacle(passthrough))
    }

    /// Whether an open of a file that has its own cache file would be passed through.
    func isPassedThrough(_ inode: UInt64) -> Bool {
        if let known = inodes.withLock({ $0[inode] }) { return known.backing != nil }
        return passthrough.withLock { $0 }?.isAvailable ?? false
    }
}
