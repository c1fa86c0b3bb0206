// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import MountRecords
private import Threading

/// A mount whose process is gone: every access to it fails with ENOTCONN, and nothing else can be mounted there.
enum DeadMount {
    private static let patience = 2000  // milliseconds

    /// False if somebody serves it, however slowly.
    static func isDead(_ directory: String) -> Bool {
        let records = FoundRecord.all().filter { $0.record.directory == directory && $0.record.isPrivate != true }
        if records.contains(where: \.isAlive) { return false }
        // What the kernel remembers of its files outlives it, the answer to statfs does not. Where it hangs, whoever
        // serves it, we must not.
        let error = BackgroundThread.result(within: patience) {
            var status = statvfs()
            return statvfs(directory, &status) == 0 ? 0 : errno
        }
        return error == ENOTCONN
    }
}
