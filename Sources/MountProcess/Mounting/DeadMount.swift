// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import MountRecords
private import Threading

/// A mount whose process is gone. Every access fails with ENOTCONN until it is unmounted.
enum DeadMount {
    private static let patience = 2000  // milliseconds

    /// Returns false if a process serves it, however slowly.
    static func isDead(_ directory: String) -> Bool {
        let records = FoundRecord.all().filter { $0.record.directory == directory && $0.record.isPrivate != true }
        if records.contains(where: \.isAlive) { return false }
        // statfs always asks the process, while attributes may come from the kernel's cache. The call may hang, so it
        // has its own thread.
        let error = BackgroundThread.result(within: patience) {
            var status = statvfs()
            return statvfs(directory, &status) == 0 ? 0 : errno
        }
        return error == ENOTCONN
    }
}
