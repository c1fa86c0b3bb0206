// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import MountRecords

/// A lock on making a mount at a directory: of concurrent mounts one goes on and the others fail. It is a file in the
/// runtime directory, since opening an automount's directory would wait for this very mount.
package struct MountLock: ~Copyable {
    private let descriptor: Int32

    /// Throws `CommandFailure` if another process holds it. Without a runtime directory nothing is locked.
    package init(_ mountPoint: MountPoint) throws {
        guard mountPoint.device == nil, let directory = LiveRecord.makeDirectory() else {
            descriptor = -1
            return
        }
        descriptor = open("\(directory)/turns", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        // One byte for each directory. Directories whose hashes collide share one.
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(Self.hash(mountPoint.directory) >> 2)
        lock.l_len = 1
        let setLock: Int32 = 37  // F_OFD_SETLK
        guard descriptor < 0 || fcntl(descriptor, setLock, &lock) == 0 || errno != EAGAIN else {
            close(descriptor)
            throw CommandFailure(.mountPoint, "\(mountPoint.name): another mount is being made there")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// FNV-1a, the same in every process.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
