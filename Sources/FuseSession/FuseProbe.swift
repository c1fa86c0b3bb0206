// SPDX-License-Identifier: Apache-2.0
internal import CFuse
private import CLinux
internal import Glibc
public import SystemPackage

/// Tries whether this process can mount, by mounting in a child process with its own mount namespace. Nobody else sees
/// that mount, and it ends with the child.
public struct FuseProbe: Sendable {
    /// The steps, in order.
    public enum Step: Int32, Sendable {
        case process, namespace, identity, device, mount, agreement, passthrough
    }

    /// The step that failed, and why.
    public struct Failure: Error, Sendable {
        public let step: Step
        public let error: Errno
    }

    /// Whether it is tried in a user namespace of the child's own, as without privileges.
    public let inUserNamespace: Bool
    /// A file to try passthrough with; nil to leave that out.
    public let backing: String?

    public init(inUserNamespace: Bool, backing: String?) {
        self.inUserNamespace = inUserNamespace
        self.backing = backing
    }

    /// Forks and waits for the child. The process must have one thread: in the child, locks of other threads would stay
    /// taken. Returns nil if all steps succeeded.
    public func run() -> Failure? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return Failure(step: .process, error: Errno(rawValue: errno)) }
        defer { for end in ends { Glibc.close(end) } }
        let child = clinux_fork()
        guard child != 0 else {
            let outcome = ProbingChild(inUserNamespace: inUserNamespace, backing: backing).run()
            var word = [outcome.step, outcome.error]
            let count = word.withUnsafeMutableBytes { write(ends[1], $0.baseAddress, $0.count) }
            _exit(count > 0 ? 0 : 1)
        }
        guard child > 0 else { return Failure(step: .process, error: Errno(rawValue: errno)) }
        while waitpid(child, nil, 0) < 0, errno == EINTR {}
        var word: [Int32] = [Step.process.rawValue, ECHILD]
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        _ = word.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
        return word[1] == 0
            ? nil : Failure(step: Step(rawValue: word[0]) ?? .process, error: Errno(rawValue: word[1]))
    }
}

/// The child's part. The child exits after it.
private struct ProbingChild {
    let inUserNamespace: Bool
    let backing: String?

    private struct Failure: Error { let step: FuseProbe.Step }

    func run() -> (step: Int32, error: Int32) {
        do {
            try enterNamespaces()
            let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
            try check(.device, device >= 0)
            try mountHere(device)
            guard let backing else { return (0, 0) }
            try agree(device)
            let file = open(backing, O_RDONLY | O_CLOEXEC)
            try check(.passthrough, file >= 0)
            try check(.passthrough, cfuse_backing_open(device, file) > 0)
            return (0, 0)
        } catch {
            return ((error as? Failure)?.step.rawValue ?? 0, errno == 0 ? EIO : errno)
        }
    }

    private func check(_ step: FuseProbe.Step, _ isDone: Bool) throws {
        if !isDone { throw Failure(step: step) }
    }

    private func enterNamespaces() throws {
        let (user, group) = (geteuid(), getegid())
        try check(.namespace, clinux_unshare_mounts(inUserNamespace ? 1 : 0) == 0)
        if inUserNamespace {
            // user_namespaces(7): a group may be mapped once setgroups is denied.
            try write("deny", to: "/proc/self/setgroups")
            try write("0 \(user) 1", to: "/proc/self/uid_map")
            try write("0 \(group) 1", to: "/proc/self/gid_map")
        }
        let (recursive, isPrivate): (UInt, UInt) = (0x4000, 0x4_0000)  // MS_REC, MS_PRIVATE
        try check(.namespace, Glibc.mount("none", "/", nil, recursive | isPrivate, nil) == 0)
    }

    private func write(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        try check(.identity, file >= 0)
        defer { close(file) }
        try check(.identity, Glibc.write(file, text, text.utf8.count) == text.utf8.count)
    }

    private func mountHere(_ device: Int32) throws {
        let options = "fd=\(device),rootmode=40000,user_id=\(geteuid()),group_id=\(getegid())"
        let flags: UInt = 1 | 2 | 4  // MS_RDONLY, MS_NOSUID, MS_NODEV
        try check(.mount, Glibc.mount("kitfs-doctor", "/", "fuse", flags, options) == 0)
    }

    /// Answers the kernel's INIT so that files may be named; see `Passthrough`.
    private func agree(_ device: Int32) throws {
        var state = pollfd(fd: device, events: Int16(POLLIN), revents: 0)
        errno = ETIMEDOUT
        try check(.agreement, poll(&state, 1, 2000) == 1)
        var request = [UInt8](repeating: 0, count: 1 << 16)
        try check(.agreement, read(device, &request, request.count) >= MemoryLayout<fuse_in_header>.size)
        let asked = request.withUnsafeBytes { $0.loadUnaligned(as: fuse_in_header.self) }
        errno = EPROTO
        try check(.agreement, asked.opcode == FUSE_INIT.rawValue)
        var agreed = cfuse_init_out()
        agreed.major = UInt32(FUSE_KERNEL_VERSION)
        agreed.minor = 36
        agreed.max_write = 4096
        agreed.flags = UInt32(cfuse_init_ext)
        agreed.flags2 = UInt32(cfuse_passthrough_flag2)
        agreed.max_stack_depth = 1
        let size = MemoryLayout<fuse_out_header>.size + MemoryLayout<cfuse_init_out>.size
        let header = fuse_out_header(len: UInt32(size), error: 0, unique: asked.unique)
        var reply = withUnsafeBytes(of: header) { Array($0) }
        reply += withUnsafeBytes(of: agreed) { Array($0) }
        try check(.agreement, Glibc.write(device, reply, reply.count) == reply.count)
    }
}
