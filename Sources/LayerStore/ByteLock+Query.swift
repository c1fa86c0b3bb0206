// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import SystemPackage

extension OwnedFile {
    /// Whether another descriptor has any lock on these bytes; nothing is taken. What cannot be asked is taken for locked.
    func isLocked(start: Int, count: Int) -> Bool {
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        request.l_start = off_t(start)
        request.l_len = off_t(count)
        let getLock: Int32 = 36  // F_OFD_GETLK
        let result = fcntl(descriptor.rawValue, getLock, &request)
        return result != 0 || request.l_type != Int16(F_UNLCK)
    }
}
