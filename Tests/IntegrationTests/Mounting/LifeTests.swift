// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// How mounts begin and end.
@Suite struct LifeTests {
    private let bench: CommandFixture
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws { bench = try CommandFixture() }

    private func mounts() throws -> String { String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self) }

    private func isRunning(_ process: Int32) -> Bool {
        guard let stat = try? readFile("/proc/\(process)/stat") else { return false }
        // A zombie has ended. The process that inherits it here may not have reaped it yet.
        return !String(decoding: stat, as: UTF8.self).contains(") Z ")
    }

    @Test func fiftyInARowLeaveNothing() throws {
        let target = try bench.directory.subdirectory("m")
        var processes: [Int32] = []
        for round in 0..<50 {
            try bench.kitfs("mount", reference, target)
            let mount = Mount(path: target, bench: bench)
            if round % 10 == 0 { #expect(try mount.read("README.md").count == 26) }
            processes.append(try mount.process())
            try bench.kitfs("unmount", target)
        }
        #expect(Set(processes).count == 50)
        #expect(!processes.contains(where: isRunning))
        #expect(!(try mounts().contains(target)))
        #expect(try !bench.kitfs("status", "--json").contains(target))
        // The locks are released, so everything can be pruned, and nothing is left.
        #expect(try bench.kitfs("cache", "prune", "--all").contains("kept") == false)
        #expect(try bench.cachedFiles().map { $0.split(separator: "/").last } == ["CACHEDIR.TAG", "VERSION"])
        let records = try Command.run("find", ["/run/kitfs", "-newer", bench.cache + "/VERSION", "-name", "*.json"])
        for record in records.output.split(separator: "\n") {
            #expect(!String(decoding: try readFile(String(record)), as: UTF8.self).contains(bench.directory.path))
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func aSignalEndsItCleanly(_ signal: Int32) throws {
        let mount = try bench.mount(reference)
        let process = try mount.process()
        #expect(try mount.read("README.md").count == 26)
        kill(process, signal)
        try eventually(within: 10, "the process ends") { !isRunning(process) }
        #expect(!(try mounts().contains(mount.path)))
        #expect(try !bench.kitfs("status", "--json").contains(mount.path))
    }

    @Test func foregroundEndsWithCodeZero() throws {
        let target = try bench.directory.subdirectory("m")
        let process = try BackgroundProcess(
            CommandFixture.executable, bench.logged(["mount", "-f", reference, target]), environment: bench.environment)
        try eventually(within: 10, "it is mounted") { try mounts().contains(target) }
        #expect(try readFile(target + "/README.md").count == 26)
        process.kill(signal: SIGINT)
        #expect(process.waitForExit(timeout: 10) == 0)
        #expect(process.errorOutput.contains("verify before-read"))
        #expect(process.errorOutput.contains("unmounted"))
        #expect(Secrets.found(in: process.errorOutput) == nil)
    }

    @Test func aBusyMountSaysByWhom() throws {
        let mount = try bench.mount(reference)
        let user = try BackgroundProcess("sleep", ["60"], workingDirectory: mount.path + "/data")
        let (code, message) = try bench.failure("unmount", mount.path)
        #expect(code == 7)
        #expect(message.contains("\(user.pid) (sleep): working directory data"))
        #expect(try mount.read("README.md").count == 26)
        user.terminate()
        let reader = try BackgroundProcess("tail", ["-f", mount.path + "/README.md"])
        try eventually(within: 10, "tail has it open") { reader.output.count > 0 }
        #expect(try bench.failure("unmount", mount.path).message.contains("\(reader.pid) (tail): open file README.md"))
        try bench.kitfs("unmount", "--lazy", mount.path)
        #expect(!(try mounts().contains(mount.path)))
        reader.terminate()
        #expect(try bench.failure("unmount", mount.path).code == 7)
    }

    @Test func afterKill9UnmountAndMountWork() throws {
        let mount = try bench.mount(reference)
        let process = try mount.process()
        kill(process, SIGKILL)
        try eventually(within: 10, "it is dead") { !isRunning(process) }
        try eventually(within: 10, "the kernel has noticed") { mount.openError("README.md") == ENOTCONN }
        #expect(try bench.kitfs("status").contains("its process is dead"))
        try mount.unmount()
        try bench.kitfs("mount", reference, mount.path)
        #expect(try mount.read("README.md").count == 26)
        // A mount over a dead mount succeeds. A mount over a live one does not.
        kill(try mount.process(), SIGKILL)
        try eventually(within: 10, "the kernel has noticed") { mount.openError("README.md") == ENOTCONN }
        try bench.kitfs("mount", reference, mount.path)
        #expect(try mount.read("README.md").count == 26)
        #expect(try bench.failure("mount", reference, mount.path).code == 7)
        try mount.unmount()
        #expect(!(try mounts().contains(mount.path)))
    }

    /// A shell that reads the command's output, or has other pipes open, continues once the mount is usable.
    @Test func theBackgroundHoldsNothingOfTheCaller() throws {
        let target = try bench.directory.subdirectory("m")
        let script = """
            exec 7>"$3"; out=$("$0" mount "$1" "$2" 2>&1); echo "mounted $out"
            pid=$("$0" status --json "$2" | sed -n 's/.*"pid" : \\([0-9]*\\).*/\\1/p'); ls -l /proc/$pid/fd
            """
        let result = try Command.check(
            "sh", ["-c", script, CommandFixture.executable, reference, target, bench.directory.path + "/held"],
            environment: bench.environment, timeout: 30)
        #expect(result.output.hasPrefix("mounted \n"))
        #expect(result.output.contains("/dev/fuse") && !result.output.contains(bench.directory.path + "/held"))
        #expect(!result.output.contains("pipe:"))
        try bench.kitfs("unmount", target)
    }

    /// After Ctrl-C, a mount that is still being made does not appear later.
    @Test func aMountThatNobodyWaitsForIsNotMade() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "p:v1")
        let proxy = try FaultProxy(upstreamPort: registry.port)
        let target = try bench.directory.subdirectory("m")
        proxy.stalled = true
        let command = try BackgroundProcess(
            CommandFixture.executable, bench.logged(["mount", "\(proxy.host)/p:v1", target]),
            environment: bench.environment)
        try eventually(within: 10, "the registry is asked") { proxy.openConnections > 0 }
        command.kill(signal: SIGINT)
        #expect(command.waitForExit(timeout: 5) != nil)
        proxy.stalled = false
        try eventually(within: 20, "its process has ended") {
            try Command.run("pgrep", ["-f", target]).exitCode == 1
        }
        #expect(!(try mounts().contains(target)))
    }

    @Test func aRelativeLogFile() throws {
        let target = try bench.directory.subdirectory("m")
        try Command.check(
            CommandFixture.executable, bench.logged(["mount", reference, "m", "--log-file", "logs/mount.log"]),
            environment: bench.environment,
            workingDirectory: bench.directory.path)
        try bench.kitfs("unmount", target)
        let log = String(decoding: try readFile(bench.logs + "/mount.log"), as: UTF8.self)
        #expect(log.contains(reference) && log.contains("unmounted"))
        let (code, message) = try bench.failure("mount", reference, target, "--log-file", "/nowhere/x.log")
        #expect(code == 1 && message.contains("/nowhere/x.log"))
    }

    /// Without `--log-file`, the log is in the runtime directory while the mount exists.
    @Test func theLogThatNobodyPlaced() throws {
        bench.environment["XDG_RUNTIME_DIR"] = try bench.directory.subdirectory("run")
        let mount = Mount(path: try bench.directory.subdirectory("m"), bench: bench)
        try Command.check(CommandFixture.executable, ["mount", reference, mount.path], environment: bench.environment)
        #expect(try mount.log().contains("verify before-read"))
        let path = try mount.logPath()
        #expect(path.hasPrefix(geteuid() == 0 ? "/run/kitfs/" : bench.directory.path + "/run/kitfs/"))
        try mount.unmount()
        #expect(access(path, F_OK) != 0)
    }

    @Test func unmountedByOthersItEndsToo() throws {
        let mount = try bench.mount(reference)
        let process = try mount.process()
        try Command.check("umount", [mount.path])
        try eventually(within: 10, "the process ends") { !isRunning(process) }
        #expect(try !bench.kitfs("status", "--json").contains(mount.path))
    }

    /// `/dev/fd/N` must be a mounted /dev/fuse.
    @Test(arguments: [("99", "", Int32(7)), ("5", "5</dev/null", 1), ("5", "5<>/dev/fuse", 1), ("x", "", 7)])
    func descriptorsThatServeNothing(_ number: String, _ redirection: String, _ code: Int32) throws {
        try UnprivilegedUser.openFuse()
        let line = bench.logged(["mount", "-f", reference, "/dev/fd/\(number)"])
        let script = "exec \"$0\" \"$@\" \(redirection)"
        let result = try Command.run(
            "sh", ["-c", script, CommandFixture.executable] + line, environment: bench.environment, timeout: 20)
        #expect(result.exitCode == code, "\(result.errorOutput)")
        #expect(result.errorOutput.contains("kitfs: \(reference): "), "\(result.errorOutput)")
    }

    /// An unprivileged user mounts through fusermount3, with their own cache.
    @Test(.enabled(if: geteuid() == 0, "only root can become another user"))
    func anUnprivilegedUserMounts() throws {
        let user = try UnprivilegedUser(bench)
        let target = user.home + "/m"
        #expect(try user.run(["mkdir", target]).exitCode == 0)
        let mounted = try user.run([user.kitfs] + bench.logged(["mount", user.reference, target]))
        #expect(mounted.exitCode == 0, "\(mounted.errorOutput)")
        #expect(try user.run(["cat", target + "/README.md"]).stdout.count == 26)
        #expect(try user.run(["stat", "-c", "%u %a", target + "/README.md"]).output == "65534 444\n")
        // The kernel keeps other users out, including root.
        #expect(Mount(path: target, bench: bench).openError("README.md") == EACCES)
        #expect(try user.run(["test", "-d", user.home + "/.cache/kitfs/layers"]).exitCode == 0)
        #expect(try user.run([user.kitfs, "status"]).output.contains(target))
        let unmounted = try user.run([user.kitfs, "unmount", target])
        #expect(unmounted.exitCode == 0, "\(unmounted.errorOutput)")
        #expect(!(try mounts().contains(target)))
    }
}
