// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The findings of `doctor` when something is missing, and the command it suggests.
@Suite struct DoctorTests {
    private let bench: CommandFixture

    init() throws { bench = try CommandFixture() }

    private struct Report: Decodable {
        let version: String
        let well: Bool
        let checks: [Check]

        func check(_ name: String) throws -> Check {
            guard let check = checks.first(where: { $0.check == name }) else {
                throw TestSupportError("no check \(name)")
            }
            return check
        }
    }

    private struct Check: Decodable {
        let check: String
        let verdict: String
        let text: String
        let remedy: String?
    }

    private func report(_ result: CommandResult) throws -> Report {
        let report = try JSONDecoder().decode(Report.self, from: Data(result.stdout))
        #expect(result.exitCode == (report.well ? 0 : 1))
        #expect(report.well == !report.checks.contains { $0.verdict == "problem" })
        return report
    }

    private func doctor(_ arguments: String...) throws -> Report {
        try report(try bench.run(["doctor", "--json"] + arguments))
    }

    /// Runs `doctor` as `user`, after `setup` in its own mount namespace, so nobody else sees what `setup` mounts.
    private func doctor(as user: String, after setup: String) throws -> Report {
        let script = """
            set -e
            cd "$1"
            \(setup)
            exec setpriv --reuid \(user) --regid \(user) --clear-groups "$0" doctor --json
            """
        let kitfs = try UnprivilegedUser.reachable(CommandFixture.executable, bench)
        let result = try Command.run(
            "unshare", ["--mount", "sh", "-c", script, kitfs, bench.directory.path],
            environment: ["HOME": bench.directory.path, "KITFS_CACHE": bench.directory.path + "/cache-of-user"])
        #expect(result.errorOutput.isEmpty, "\(result.errorOutput)")
        return try report(result)
    }

    @Test(.enabled(if: geteuid() == 0, "mounts as root"))
    func allIsWell() throws {
        let report = try doctor("oci:\(Fixtures.layout("plain-small")):v1")
        #expect(report.well, "\(report.checks)")
        #expect(try report.check("privileges").verdict == "ok")
        #expect(try report.check("cache").text.contains("will be made"))
        #expect(try report.check("registry").text.contains("5 layers"))
        // `doctor` creates no cache.
        #expect(access(bench.cache, F_OK) != 0)
        let text = try bench.run(["doctor"])
        #expect(text.exitCode == 0)
        #expect(text.output.split(separator: "\n").filter { $0.hasPrefix("ok ") || $0.hasPrefix("note ") }.count >= 10)
        // `doctor` and a mount agree about passthrough.
        let mount = try bench.mount("oci:\(Fixtures.layout("plain-small")):v1")
        try eventually(within: 20, "how files are read is known") { try mount.shown().io != nil }
        #expect(try (mount.shown().io?.mode == "passthrough") == (report.check("passthrough").verdict == "ok"))
        try mount.unmount()
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become another user"))
    func aUserWithoutTheDevice() throws {
        #expect(chmod(bench.directory.path, 0o777) == 0)
        let shut = try doctor(as: "65534", after: "mknod fuse c 10 229; chmod 600 fuse; mount --bind fuse /dev/fuse")
        let device = try shut.check("device")
        #expect(device.verdict == "problem" && device.text.contains("Permission denied"))
        #expect(device.remedy == "sudo chmod 666 /dev/fuse")
        let missing = try doctor(as: "65534", after: "mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3")
        #expect(try missing.check("device").remedy?.contains("sudo modprobe fuse") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become another user"))
    func aUserWithoutTheHelper() throws {
        #expect(chmod(bench.directory.path, 0o777) == 0)
        let device = "rm -f device; mknod -m 666 device c 10 229; mount --bind device /dev/fuse; "
        let helper = "$(readlink -f $(command -v fusermount3))"
        let well = try doctor(as: "65534", after: device)
        #expect(well.well, "\(well.checks)")
        #expect(try well.check("passthrough").text.contains("not root's"))
        let plain = try doctor(as: "65534", after: device + "cp \(helper) plain; mount --bind plain \(helper)")
        #expect(try plain.check("fusermount3").remedy?.contains("chmod 4755") == true)
        let none = try doctor(as: "65534", after: device + "mount --bind /dev/null \(helper)")
        #expect(try none.check("fusermount3").remedy == "sudo apt-get install fuse3")
        let others = try doctor(
            as: "65534", after: device + "echo user_allow_other >conf; mount --bind conf /etc/fuse.conf")
        #expect(try others.check("allow-other").verdict == "ok")
    }

    @Test(.enabled(if: access("/proc/sys/fs/fuse/max_request_timeout", F_OK) == 0, "this kernel sets no time limits"))
    func aKernelWithATimeLimit() throws {
        let report = try doctor(
            as: "0", after: "echo 30 >limit; mount --bind limit /proc/sys/fs/fuse/max_request_timeout")
        let limit = try report.check("timeouts")
        #expect(limit.verdict == "problem" && limit.remedy == "sysctl -w fs.fuse.max_request_timeout=0")
    }

    @Test func brokenCaches() throws {
        let file = bench.directory.path + "/file"
        try writeFile(file, [1])
        #expect(try doctor("--cache", file).check("cache").text.contains("not a directory"))
        let other = try bench.directory.subdirectory("other")
        try writeFile(other + "/thesis.tex", [1])
        let foreign = try doctor("--cache", other)
        #expect(!foreign.well)
        #expect(try foreign.check("cache").text.contains("is not a cache of kitfs"))
        #expect(try doctor("--cache", file + "/below").check("cache").verdict == "problem")
        if geteuid() == 0 {
            #expect(chown(other, 65534, 65534) == 0)
            let owned = try doctor("--cache", other).check("cache")
            #expect(owned.text.contains("belongs to user 65534") && owned.remedy?.contains("--shared-cache") == true)
        }
    }

    @Test func registries() throws {
        let port = try freePort()
        let down = try doctor("127.0.0.1:\(port)/x:v1", "--timeout", "1").check("registry")
        #expect(down.verdict == "problem" && down.text.contains("127.0.0.1:\(port)"))
        #expect(down.remedy?.contains("curl -v https://127.0.0.1:\(port)/v2/") == true)
        let registry = try DockerRegistry(htpasswd: (user: "kit", password: "doctors-secret"), tls: false)
        let shut = try doctor("\(registry.host)/x:v1").check("registry")
        #expect(shut.verdict == "problem" && shut.remedy?.contains("docker login \(registry.host)") == true)
        let wrong = try bench.run(["doctor", "Upper/Case"])
        #expect(wrong.exitCode == 1 && wrong.output.contains("lower-case"))
    }

    @Test func aMountWhoseProcessHasDied() throws {
        let mount = try bench.mount("oci:\(Fixtures.layout("plain-small")):v1")
        #expect(kill(try mount.process(), SIGKILL) == 0)
        try eventually(within: 10, "it is noticed") {
            let check = try doctor().check("mounts")
            return check.verdict == "note" && check.remedy?.contains("kitfs unmount \(mount.path)") == true
        }
        try mount.unmount()
    }
}
