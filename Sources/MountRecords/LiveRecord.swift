// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc
private import HostSystem

/// A mount's record as its own process holds it.
package final class LiveRecord: Sendable {
    private let path: String
    private let descriptor: Int32

    package static func directory() -> String {
        if Environment.ownsSystem { return "/run/kitfs" }
        if let runtime = Environment.nonEmpty("XDG_RUNTIME_DIR") { return runtime + "/kitfs" }
        return "/tmp/kitfs-\(geteuid())"
    }

    /// Makes the runtime directory. Returns nil if that fails or it is another user's; the mount is not listed then.
    package static func makeDirectory() -> String? {
        let path = directory()
        if mkdir(path, 0o755) != 0, errno != EEXIST { return nil }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            return nil
        }
        return path
    }

    package init?(_ record: MountRecord, id: String) {
        // Strings and integers always encode.
        guard let directory = Self.makeDirectory(), let bytes = try? JSONEncoder().encode(record) else { return nil }
        path = "\(directory)/\(id)"
        descriptor = open(path + ".json", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { return nil }
        // A flock(2) lock, which the kernel drops with the process.
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
        let data = Array(bytes)
        guard write(descriptor, data, data.count) == data.count else { return nil }
    }

    /// Replaces the file by renaming, so that readers never see a part of it.
    package func publish(_ activity: MountActivity) {
        // Strings and integers always encode.
        guard let data = try? JSONEncoder().encode(activity) else { return }
        let bytes = Array(data)
        let temporary = path + ".activity.tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { return }
        let isWritten = write(file, bytes, bytes.count) == bytes.count
        close(file)
        if isWritten { rename(temporary, path + ".activity") }
    }

    /// The mount has ended.
    package func remove() {
        LiveRecord.removeFiles(path)
        close(descriptor)
    }

    static func removeFiles(_ path: String) {
        for ending in [".activity", ".activity.tmp", ".log", ".json"] { unlink(path + ending) }
    }
}
