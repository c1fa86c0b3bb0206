// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import MountRecords

/// Of those who mount on one directory at the same time, one does it and the others are told. The directory itself is not
/// opened for that: it may be an automount's, which waits for us.
package struct MountLock: ~Copyable {
    private let descriptor: Int32

    /// Throws `CommandFailure` if it is another's turn. Where there is no runtime directory, there are no turns.
    package init(_ mountPoint: MountPoint) throws {
        guard mountPoint.device == nil, let directory = LiveRecord.makeDirectory() else {
            descriptor = -1
            return
        }
        descriptor = open("\(directory)/turns", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        // A byte for each directory, or for a few that share it, and wait for each other.
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
