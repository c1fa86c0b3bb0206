// SPDX-License-Identifier: Apache-2.0
internal import FuseSession
private import Glibc
private import HostSystem
internal import KitMount
private import SystemPackage

/// Whether this user can mount here, and who would read the mount's files.
struct FuseChecks {
    /// Where the cache is, or will be.
    let cache: String

    var results: [CheckResult] {
        var results = [module, device]
        let isUsable = results.allSatisfy { $0.verdict == .ok }
        results.append(Environment.isRoot ? privileges(isUsable) : helper)
        results.append(otherUsers)
        results.append(namespaces(isUsable))
        results.append(passthrough(isUsable))
        return results
    }

    private var module: CheckResult {
        let types = TextFile.read("/proc/filesystems") ?? ""
        if types.split(separator: "\n").contains(where: { $0.split(separator: "\t").last == "fuse" }) {
            return .ok("kernel", "Linux \(PassthroughObstacle.kernel) has FUSE")
        }
        return .problem(
            "kernel", "Linux \(PassthroughObstacle.kernel) has not loaded FUSE", CheckResult.asRoot("modprobe fuse"))
    }

    private var device: CheckResult {
        let path = "/dev/fuse"
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        if descriptor >= 0 {
            close(descriptor)
            return .ok("device", "\(path) can be opened")
        }
        let error = errno
        let reason = "\(path): \(String(cString: strerror(error)))"
        switch error {
        case ENOENT, ENODEV, ENXIO:
            let remedy = CheckResult.asRoot("modprobe fuse") + "; of a container: run it with --device \(path)"
            return .problem("device", reason, remedy)
        case EACCES:
            return .problem("device", "\(reason): it is not open to you", CheckResult.asRoot("chmod 666 \(path)"))
        default:
            return .problem("device", "\(reason); a container needs it with --device \(path)")
        }
    }

    /// Root mounts by itself.
    private func privileges(_ isUsable: Bool) -> CheckResult {
        guard isUsable else { return .note("privileges", "not tried, since FUSE cannot be used") }
        let probe = FuseProbe(inUserNamespace: false, backing: nil)
        guard let failure = probe.run() else { return .ok("privileges", "root may mount") }
        let remedy = "of a container: run it with --cap-add SYS_ADMIN, or mount outside and pass --volume"
        return .problem("privileges", "root may not mount here (\(failure.step): \(failure.error))", remedy)
    }

    /// Others mount by fusermount3.
    private var helper: CheckResult {
        let check = "fusermount3"
        let directories =
            (Environment.nonEmpty("PATH") ?? "/usr/bin:/bin").split(separator: ":") + ["/usr/bin", "/bin"]
        let candidates: [String] = directories.map { "\($0)/fusermount3" }
        guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
            return .problem(
                check, "fusermount3 is not there, by which users mount", CheckResult.asRoot("apt-get install fuse3"))
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_uid == 0, status.st_mode & S_ISUID != 0 else {
            let remedy =
                CheckResult.asRoot("chown root:root \(path)") + " && " + CheckResult.asRoot("chmod 4755 \(path)")
            return .problem(check, "\(path) is not setuid root", remedy)
        }
        var system = statvfs()
        if statvfs(path, &system) == 0, system.f_flag & UInt(ST_NOSUID) != 0 {
            return .problem(
                check, "\(path) is on a file system that is mounted nosuid", "`kitfs run`, which needs it not")
        }
        if let text = TextFile.read("/proc/self/status"), text.contains("NoNewPrivs:\t1") {
            return .problem(
                check, "\(path) gets no privileges: this process runs with no_new_privs",
                "`kitfs run`, which needs it not")
        }
        return .ok(check, "\(path) is setuid root")
    }

    private var otherUsers: CheckResult {
        let check = "allow-other"
        if Environment.isRoot { return .ok(check, "root may use --allow-other") }
        let lines = (TextFile.read("/etc/fuse.conf") ?? "").split(separator: "\n").map {
            $0.filter { !$0.isWhitespace }
        }
        if lines.contains("user_allow_other") { return .ok(check, "/etc/fuse.conf has user_allow_other") }
        let remedy = "echo user_allow_other | " + CheckResult.asRoot("tee -a /etc/fuse.conf")
        return .note(check, "--allow-other is refused: /etc/fuse.conf has no user_allow_other", remedy)
    }

    /// User namespaces, which `kitfs run` needs.
    private func namespaces(_ isUsable: Bool) -> CheckResult {
        let check = "namespaces"
        guard isUsable else { return .note(check, "not tried, since FUSE cannot be used") }
        let probe = FuseProbe(inUserNamespace: true, backing: nil)
        guard let failure = probe.run() else {
            return .ok(check, "a user namespace may mount: `kitfs run` needs nothing else")
        }
        let text =
            "no mounts in user namespaces (\(failure.step): \(failure.error)), so `kitfs run` mounts as `kitfs mount` does"
        return .note(check, text, Self.namespaceRemedy)
    }

    /// The command that lifts the setting that forbids user namespaces. Distributions have three of them.
    private static var namespaceRemedy: String? {
        let settings = [
            ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
            ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ]
        let found = settings.first { path, value, _ in
            TextFile.read("/proc/sys/\(path)").map { $0.prefix { !$0.isNewline } == value } ?? false
        }
        return found.map { CheckResult.asRoot("sysctl -w \($0.2)") }
    }

    private func passthrough(_ isUsable: Bool) -> CheckResult {
        let check = "passthrough"
        func slower(_ reason: PassthroughObstacle, _ remedy: String? = nil) -> CheckResult {
            .note(check, "large files are read through kitfs, not by the kernel itself: \(reason)", remedy)
        }
        guard Environment.isRoot else { return slower(.notRoot) }
        guard PassthroughObstacle.isNewKernel else { return slower(.oldKernel(PassthroughObstacle.kernel)) }
        guard isUsable else { return .note(check, "not tried, since FUSE cannot be used") }
        // The cache may not exist yet. Any file next to it is on the same file system.
        let near = ExistingDirectory.above(cache)
        let probed = access(cache + "/VERSION", R_OK) == 0 ? cache + "/VERSION" : TemporaryProbe.file(in: near)
        guard let probed else { return .note(check, "not tried: nothing can be written in \(near)") }
        let probe = FuseProbe(inUserNamespace: false, backing: probed)
        let failure = probe.run()
        if probed != cache + "/VERSION" { unlink(probed) }
        guard let failure else { return .ok(check, "the kernel reads large files of the cache itself") }
        switch failure.step {
        case .agreement, .passthrough:
            let obstacle = PassthroughObstacle(failure.error)
            if case .stacked = obstacle { return slower(obstacle, "--cache DIR on a disk's own file system") }
            return slower(obstacle)
        default: return .note(check, "not tried, since root may not mount here")
        }
    }
}

/// The nearest directory above a path that is there.
enum ExistingDirectory {
    static func above(_ path: String) -> String {
        var parts = path.split(separator: "/")
        while !parts.isEmpty {
            let candidate = "/" + parts.joined(separator: "/")
            var status = stat()
            if stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return candidate }
            parts.removeLast()
        }
        return "/"
    }
}

/// A temporary empty file. The caller deletes it.
private enum TemporaryProbe {
    static func file(in directory: String) -> String? {
        var template = Array("\(directory)/.kitfs-doctor-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return nil }
        close(descriptor)
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
