// SPDX-License-Identifier: Apache-2.0
private import Glibc
package import SystemPackage

/// Open-file-description locks on byte ranges. A lock belongs to the descriptor, not to the thread or process, and the
/// kernel drops it with the descriptor, however its process ends. See fcntl(2), F_OFD_SETLK.
extension OwnedFile {
    package enum LockMode {
        case shared, exclusive, none
    }

    /// Takes, changes or releases a lock. Returns false if another descriptor's lock is in the way. Never waits.
    package func lock(_ mode: LockMode, start: Int, count: Int = 1) throws(Errno) -> Bool {
        let type =
            switch mode {
            case .shared: F_RDLCK
            case .exclusive: F_WRLCK
            case .none: F_UNLCK
            }
        var request = flock()
        request.l_type = Int16(type)
        request.l_whence = Int16(SEEK_SET)
        request.l_start = off_t(start)
        request.l_len = off_t(count)
        let setLock: Int32 = 37  // F_OFD_SETLK
        while fcntl(descriptor.rawValue, setLock, &request) != 0 {
            switch errno {
            case EINTR: continue
            case EAGAIN, EACCES: return false
            // The file system has no locks: one process fills the cache there, and the others only read.
            case ENOLCK, ENOSYS, EOPNOTSUPP: return true
            default: throw Errno(rawValue: errno)
            }
        }
        return true
    }

    /// Gives locks back. That fails only where the descriptor is gone, and the locks with it.
    package func unlock(start: Int, count: Int = 1) {
        do throws(Errno) { _ = try lock(.none, start: start, count: count) } catch {}
    }
}
