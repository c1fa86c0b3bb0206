// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc

/// A mount in a namespace of this process and its descendants. It needs no setuid helper and ends with the last process
/// of the namespace. See user_namespaces(7) and mount_namespaces(7).
enum PrivateMount {
    /// Why no private mount can be made here.
    struct Refusal: Error {
        let reason: String
        init(_ what: String) { reason = "\(what): \(String(cString: strerror(errno)))" }
    }

    /// Enters new namespaces and mounts a FUSE file system that nobody serves yet. The process must have one thread.
    /// Returns the device: it must be opened inside the namespace but may be served from outside.
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

    /// A privileged process keeps its user namespace, since passthrough works only in the initial one.
    private static func leaveNamespaces() throws(Refusal) {
        if clinux_unshare_mounts(0) != 0 {
            let (user, group) = (geteuid(), getegid())
            guard clinux_unshare_mounts(1) == 0 else { throw Refusal("user namespace") }
            // An unprivileged process may map its group once setgroups is denied. Linux before 3.19 has neither rule
            // nor file.
            if access("/proc/self/setgroups", F_OK) == 0 { try write("deny", to: "/proc/self/setgroups") }
            try write("\(user) \(user) 1", to: "/proc/self/uid_map")
            try write("\(group) \(group) 1", to: "/proc/self/gid_map")
        }
        // Later mounts outside become visible here. Mounts made here stay inside.
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
