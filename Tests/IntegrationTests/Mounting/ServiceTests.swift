// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A mount as a service: what it tells the service manager, and what it logs.
@Suite struct ServiceTests {
    private let bench: CommandFixture
    private let target: String
    private let reference = "oci:\(Fixtures.layout("plain-small")):v1"

    init() throws {
        bench = try CommandFixture()
        target = try bench.directory.subdirectory("m")
    }

    /// systemd's side: prints each message, and whether the mount exists at that moment.
    private static let manager = """
        import os, socket, subprocess, sys
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = sys.argv[1]
        server.bind('\\0' + name[1:] if name.startswith('@') else name)
        os.environ['NOTIFY_SOCKET'] = name
        child = subprocess.Popen(sys.argv[3:])
        while True:
            lines = server.recv(4096).decode().split('\\n')
            print(*lines, sep='\\n', flush=True)
            if 'READY=1' in lines:
                print('mounted', os.path.ismount(sys.argv[2]), flush=True)
                child.terminate()
            if 'STOPPING=1' in lines: break
        print('ended', child.wait(), flush=True)
        """

    @Test(arguments: [true, false]) func tellsWhenItIsUsable(_ isAbstract: Bool) throws {
        let name = isAbstract ? "@kitfs-\(UInt64.random(in: 0 ... .max))" : bench.directory.path + "/notify"
        let result = try Command.run(
            "python3",
            ["-c", Self.manager, name, target, CommandFixture.executable]
                + bench.logged(["mount", "-f", reference, target]), environment: bench.environment)
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "READY=1", "STATUS=\(reference) is mounted on \(target)", "mounted True", "STOPPING=1",
                "STATUS=syncing what was fetched", "ended 0",
            ], "\(result.output)\(result.errorOutput)")
        #expect(!String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).contains(target))
    }

    /// A mount in the background of a service does not notify the manager.
    @Test func inTheBackgroundItTellsNothing() throws {
        bench.environment["NOTIFY_SOCKET"] = bench.directory.path + "/nobody"
        let mount = try bench.mount(reference)
        #expect(try mount.read("README.md").count == 26)
        try mount.unmount()
    }

    private func foregroundLog(_ options: [String], environment: [String: String] = [:], _ wrapper: [String] = [])
        throws -> [String]
    {
        let line =
            wrapper + [CommandFixture.executable] + bench.logged(["mount", "-f", reference, target] + options)
        let process = try BackgroundProcess(
            line[0], Array(line.dropFirst()), environment: bench.environment.merging(environment) { $1 })
        try eventually(within: 20, "it is mounted") {
            String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).contains(target)
        }
        #expect(try readFile(target + "/README.md").count == 26)
        try Command.check("umount", [target])
        #expect(process.waitForExit(timeout: 10) == 0)
        return process.errorOutput.split(separator: "\n").map(String.init)
    }

    @Test(.enabled(if: geteuid() == 0, "only root may use umount(8)")) func firstLines() throws {
        let lines = try foregroundLog(["--passthrough", "false"])
        #expect(lines[0].contains(#/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ notice /#), "\(lines)")
        #expect(lines[0].contains("kitfs 0.1.0 on \(target): sha256:31076a52ae48"), "\(lines)")
        #expect(lines[0].contains("verify before-read, cache \(bench.cache)"), "\(lines)")
        let features = #/Linux \d+\.\S+, FUSE 7\.\d+, libfuse 3\.\d+\S*, passthrough off: --passthrough false/#
        #expect(lines[1].contains(features), "\(lines)")
        #expect(lines.last?.hasSuffix("unmounted") ?? false)
    }

    @Test(.enabled(if: geteuid() == 0, "only root may use umount(8)")) func asJSON() throws {
        let lines = try foregroundLog(["--log-format", "json"])
        let check = "import json, sys\nfor line in sys.stdin: print(*sorted(json.loads(line)))"
        let keys = try Command.check(
            "python3", ["-c", check], input: Array((lines.joined(separator: "\n") + "\n").utf8))
        #expect(Set(keys.output.split(separator: "\n")) == ["level message reference time"], "\(lines)")
        #expect(lines[0].contains(#""level":"notice""#) && lines[0].contains("verify before-read"))
    }

    /// Failures before there is a log are JSON too, and so are those that the foreground command reports for a mount in
    /// the background.
    @Test(arguments: [["-f"], []]) func failuresAsJSON(_ options: [String]) throws {
        let result = try bench.run(["mount", "oci:/nowhere", target, "--log-format", "json"] + options)
        #expect(result.exitCode != 0)
        let check = "import json, sys\nfor line in sys.stdin: o = json.loads(line); print(o['level'], o['message'])"
        let said = try Command.check("python3", ["-c", check], input: result.stderr).output
        #expect(said.hasPrefix("error oci:/nowhere: ") && said.split(separator: "\n").count == 1, "\(said)")
    }

    /// The journal is a socket, which the environment identifies.
    @Test(.enabled(if: geteuid() == 0, "only root may use umount(8)")) func inTheJournal() throws {
        let script = """
            import os, sys
            status = os.fstat(2)
            os.environ['JOURNAL_STREAM'] = f'{status.st_dev}:{status.st_ino}'
            os.execvp(sys.argv[1], sys.argv[1:])
            """
        let lines = try foregroundLog([], ["python3", "-c", script])
        #expect(lines[0].hasPrefix("<5>\(reference): kitfs 0.1.0 on "), "\(lines)")
        #expect(lines.allSatisfy { $0.contains(#/^<[2-7]>/#) }, "\(lines)")
        let failed = try Command.run(
            "python3", ["-c", script, CommandFixture.executable, "mount", "-f", "oci:/nowhere", target],
            environment: bench.environment)
        #expect(failed.errorOutput.hasPrefix("<3>oci:/nowhere"), "\(failed.errorOutput)")
        // The environment identifies another stderr than this one.
        let other = try foregroundLog([], environment: ["JOURNAL_STREAM": "1:1"])
        #expect(other[0].hasPrefix("20"), "\(other)")
    }

    @Test func versionTellsOfTheKernel() throws {
        let lines = try bench.kitfs("--version").split(separator: "\n")
        #expect(lines.first == "kitfs 0.1.0")
        #expect(lines.dropFirst().first?.contains(#/^Linux \d+\.\S+, libfuse 3\./#) ?? false)
        #expect(lines.last?.hasPrefix("Passthrough: ") ?? false)
    }
}
