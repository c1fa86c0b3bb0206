// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem

/// Unmounts a directory.
package enum Unmounting {
    /// Returns nil or the reason of the failure. `lazy`: detaches the mount now; it ends with its last user.
    package static func unmount(_ path: String, lazy: Bool) -> String? {
        Environment.isRoot ? unmountAsRoot(path, lazy: lazy) : unmountAsUser(path, lazy: lazy)
    }

    private static func unmountAsRoot(_ path: String, lazy: Bool) -> String? {
        let noFollow: Int32 = 8  // UMOUNT_NOFOLLOW
        let detach: Int32 = 2  // MNT_DETACH
        return umount2(path, noFollow | (lazy ? detach : 0)) == 0 ? nil : String(cString: strerror(errno))
    }

    /// Unprivileged users unmount through the setuid fusermount3. Its message is the reason of a failure.
    private static func unmountAsUser(_ path: String, lazy: Bool) -> String? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return String(cString: strerror(errno)) }
        defer { close(ends[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let arguments = ["fusermount3", "-u"] + (lazy ? ["-z"] : []) + ["--", path]
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var child = pid_t()
        let result = posix_spawnp(&child, "fusermount3", &actions, nil, &argv, environ)
        close(ends[1])
        guard result == 0 else {
            return "fusermount3 cannot be run (\(String(cString: strerror(result)))); install fuse3"
        }
        var said = [UInt8](repeating: 0, count: 1000)
        let count = max(0, read(ends[0], &said, said.count))
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let text = String(decoding: said[0..<count], as: UTF8.self).split(separator: "\n").joined(separator: "; ")
        return status == 0 ? nil : text.isEmpty ? "fusermount3 failed (\(status))" : text
    }
}
