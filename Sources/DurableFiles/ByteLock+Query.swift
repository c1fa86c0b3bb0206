// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import SystemPackage

extension OwnedFile {
    /// Whether another descriptor has a lock on any of these bytes. Takes no lock. A failed query counts as locked.
    package func isLocked(start: Int, count: Int) -> Bool { lockedElsewhere(start: start, count: count) != nil }

    /// A range of these bytes that another descriptor has locked; nil if there is none. It is not always the first one,
    /// since the kernel keeps locks by owner. A failed query counts as locked.
    package func lockedElsewhere(start: Int, count: Int) -> Range<Int>? {
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        request.l_start = off_t(start)
        request.l_len = off_t(count)
        let getLock: Int32 = 36  // F_OFD_GETLK
        guard fcntl(descriptor.rawValue, getLock, &request) == 0 else { return start..<(start + count) }
        guard request.l_type != Int16(F_UNLCK) else { return nil }
        let first = max(start, Int(request.l_start))
        let end = request.l_len == 0 ? start + count : min(start + count, Int(request.l_start + request.l_len))
        return first..<max(first + 1, end)
    }
}
