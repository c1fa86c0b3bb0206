// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc

/// A mount that only this process and its descendants see, and that is gone with the last of them: no helper that is
/// set-id is needed, and nothing is to be cleaned up. See user_namespaces(7) and mount_namespaces(7).
enum PrivateMount {
    /// Why there can be none here.
    struct Refusal: Error {
        let reason: String
        init(_ what: String) { reason = "\(what): \(String(cString: strerror(errno)))" }
    }

    /// Leaves the namespaces that this process was in, which must have one thread, and mounts an unserved FUSE file
    /// system. Returns its device, for whoever serves it: who opens it must be in the namespace, who serves it need not.
    static func make(
        on directory: String, source: String, allowOther: Bool, forbidsExecution: Bool
    ) throws(Refusal) -> Int32 {
        try leaveNamespaces()
        let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard device >= 0 else { throw Refusal("/dev/fuse") }
        let options =
            "fd=\(device),rootmode=40000,user_id=\(geteuid()),group_id=\(getegid()),default_permissions"
            + (allowOther ? ",allow_other" : "")
        let flags = MS_RDONLY | MS_NOSUID | MS_NODEV | (forbidsExecution ? MS_NOEXEC : 0)
        guard Glibc.mount(source, directory, "fuse.kitfs", UInt(flags), options) == 0 else {
            throw Refusal("mount on \(directory)")
        }
        return device
    }

    /// Who may mount anyway needs no other users: root's passthrough works only in the first user namespace.
    private static func leaveNamespaces() throws(Refusal) {
        if clinux_unshare_mounts(0) != 0 {
            let (user, group) = (geteuid(), getegid())
            guard clinux_unshare_mounts(1) == 0 else { throw Refusal("user namespace") }
            // Who may not set groups may map their own; before Linux 3.19 there was no such rule, and no such file.
            if access("/proc/self/setgroups", F_OK) == 0 { try write("deny", to: "/proc/self/setgroups") }
            try write("\(user) \(user) 1", to: "/proc/self/uid_map")
            try write("\(group) \(group) 1", to: "/proc/self/gid_map")
        }
        // What is mounted outside later is seen here, what is mounted here not outside.
        guard Glibc.mount("none", "/", nil, UInt(MS_REC | MS_SLAVE), nil) == 0 else {
            throw Refusal("mounts of its own")
        }
    }

    private static func write(_ text: String, to path: String) throws(Refusal) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw Refusal(path) }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else { throw Refusal(path) }
    }
}

private let MS_RDONLY = 1
private let MS_NOSUID = 2
private let MS_NODEV = 4
private let MS_NOEXEC = 8
private let MS_REC = 16384
private let MS_SLAVE = 1 << 19
