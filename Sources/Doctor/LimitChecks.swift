// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
private import MountRecords

/// Limits of the kernel that affect a mount, and dead mounts that earlier processes left.
struct LimitChecks {
    /// Seconds without progress after which a wait is given up.
    let timeout: Int

    var results: [CheckResult] { [requestTimeout, heldReads, openFiles, certificates, deadMounts].compactMap { $0 } }

    /// Linux 6.15 and newer can end a mount that does not answer in time. An open that waits for a layer does not.
    private var requestTimeout: CheckResult {
        let check = "timeouts"
        for name in ["max_request_timeout", "default_request_timeout"] {
            let seconds = Self.number("/proc/sys/fs/fuse/\(name)") ?? 0
            guard seconds > 0 else { continue }
            return .problem(
                check,
                "fs.fuse.\(name) is \(seconds): the kernel ends a mount in which somebody waits for a layer that long",
                CheckResult.asRoot("sysctl -w fs.fuse.\(name)=0"))
        }
        return .ok(check, "the kernel sets a mount no time limit")
    }

    private var heldReads: CheckResult? {
        guard !Environment.isRoot, let limit = Self.number("/sys/module/fuse/parameters/max_user_bgreq") else {
            return nil
        }
        guard limit < 256 else { return .ok("reads", "\(limit) reads may wait at a time") }
        return .note(
            "reads", "only \(limit) reads may wait at a time; more end with EIO",
            "echo 8192 | " + CheckResult.asRoot("tee /sys/module/fuse/parameters/max_user_bgreq"))
    }

    private var openFiles: CheckResult {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .note("files", "no limit of open files is known")
        }
        let text = "a mount may have \(limit.rlim_max) files open"
        guard limit.rlim_max < 4096 else { return .ok("files", text) }
        return .note("files", text, "ulimit -Hn 65536 as root, or nofile in /etc/security/limits.conf")
    }

    /// The path where Debian's OpenSSL looks for authorities.
    private var certificates: CheckResult {
        let file = Environment.nonEmpty("SSL_CERT_FILE") ?? "/etc/ssl/certs/ca-certificates.crt"
        if access(file, R_OK) == 0 { return .ok("certificates", "\(file) says whom to trust") }
        return .note(
            "certificates", "\(file) cannot be read, so no registry is trusted over HTTPS without --ca-file",
            CheckResult.asRoot("apt-get install ca-certificates"))
    }

    private var deadMounts: CheckResult {
        let dead = FoundRecord.all().filter { !$0.isAlive }.map(\.record.directory)
        guard !dead.isEmpty else { return .ok("mounts", "none is left of a process that has died") }
        let text = "the process has died of the mount on \(dead.joined(separator: ", "))"
        return .note("mounts", text, dead.map { "kitfs unmount \($0)" }.joined(separator: " && "))
    }

    private static func number(_ path: String) -> Int? {
        TextFile.read(path).flatMap { Int($0.prefix { $0.isNumber }) }
    }
}
