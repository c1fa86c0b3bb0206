// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// `kitfs run` as a user who is not root.
@Suite(.enabled(if: geteuid() == 0, "only root can become another user"))
struct RunUserTests {
    private let bench: CommandFixture
    private let user: UnprivilegedUser
    private var home: String { user.home }
    private var reference: String { user.reference }

    init() throws {
        bench = try CommandFixture()
        user = try UnprivilegedUser(bench)
    }

    private func program(_ namespace: Bool, _ arguments: [String]) -> [String] {
        (namespace ? ["unshare", "-Ur"] : []) + [user.kitfs] + bench.logged(arguments)
    }

    private func run(
        _ wrapper: [String] = [], namespace: Bool = false, _ arguments: [String]
    ) throws -> CommandResult {
        try user.run(program(namespace, arguments), through: wrapper)
    }

    private func expectNothingLeft() throws {
        try eventually(within: 10, "no process is left") {
            try Command.run("pgrep", ["-f", bench.directory.path]).output == ""
        }
        #expect(!String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self).contains(bench.directory.path))
        #expect(try Command.run("find", [home + "/kitfs", "-name", "run-*"]).output == "")
    }

    @Test func inANamespaceOfTheirOwn() throws {
        let script = "id -u; cat /proc/self/uid_map; stat -c %u $KITFS_MOUNT/README.md; cat $KITFS_MOUNT/README.md"
        let result = try run(["env", "PATH=/usr/bin:/bin"], ["run", reference, "--", "sh", "-c", script])
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        let words = result.output.split(whereSeparator: \.isWhitespace)
        #expect(words.prefix(5) == ["65534", "65534", "65534", "1", "65534"], "\(result.output)")
        #expect(result.output.contains("plain small"))
        try expectNothingLeft()
    }

    /// The mount covers a directory that this user could not mount on otherwise. Nobody else sees it.
    @Test func onADirectoryOfSomebodyElse() throws {
        let result = try run([], ["run", reference, "--at", "/usr", "--", "/bin/true"])
        // No program is left to run, since all programs are in /usr.
        #expect(result.exitCode == 127, "\(result.errorOutput)")
        try expectNothingLeft()
    }

    /// If user namespaces are refused, as in many containers, fusermount3 mounts.
    @Test func whereNamespacesAreRefused() throws {
        let forbid = """
            import ctypes, os, struct, sys
            # Answers unshare(2), number 272 of x86-64, with EPERM; all else is allowed.
            code = [(0x20, 0, 0, 0), (0x15, 0, 1, 272), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
            text = b''.join(struct.pack('HBBI', *line) for line in code)
            buffer = ctypes.create_string_buffer(text)
            program = struct.pack('HxxxxxxP', len(code), ctypes.addressof(buffer))
            if ctypes.CDLL(None).prctl(22, 2, program, 0, 0): sys.exit('no filter')
            os.execvp(sys.argv[1], sys.argv[1:])
            """
        let script = "echo $KITFS_MOUNT; cat $KITFS_MOUNT/README.md; exit 3"
        let result = try run(["python3", "-c", forbid], ["run", reference, "--", "sh", "-c", script])
        #expect(result.exitCode == 3, "\(result.errorOutput)")
        #expect(result.output.contains("/kitfs/run-") && result.output.contains("plain small"))
        try expectNothingLeft()
    }

    /// The user is already root of their own user namespace, where they do not have the rights of the machine's root.
    @Test func inAUserNamespace() throws {
        let script = "id -u; echo $KITFS_MOUNT; ls $KITFS_MOUNT"
        let result = try run(namespace: true, ["run", reference, "--", "sh", "-c", script])
        #expect(result.exitCode == 0, "\(result.errorOutput)")
        #expect(result.output.hasPrefix("0\n\(home)/kitfs/run\nKitfile\n"), "\(result.output)")
        try expectNothingLeft()
    }

    /// As the user, and as root of the user's own namespace.
    @Test(arguments: [false, true]) func howeverTheCommandEnds(_ namespace: Bool) throws {
        for (script, code) in [("exit 7", Int32(7)), ("kill -TERM $$", 128 + SIGTERM)] {
            let result = try run(namespace: namespace, ["run", reference, "--", "sh", "-c", script])
            #expect(result.exitCode == code, "\(script): \(result.errorOutput)")
        }
        // A child in the background keeps the mount.
        let child = "(sleep 1; cat $KITFS_MOUNT/README.md) >\(home)/out 2>&1 </dev/null &"
        #expect(try run(namespace: namespace, ["run", reference, "--", "sh", "-c", child]).exitCode == 0)
        try eventually(within: 10, "the child has read") { try readFile(home + "/out").count == 26 }
        try expectNothingLeft()
    }

    @Test(arguments: [false, true]) func killed(_ namespace: Bool) throws {
        let line = UnprivilegedUser.command(
            program(namespace, ["run", reference, "--", "sh", "-c", "echo ready; exec sleep 60"]))
        let process = try BackgroundProcess(line[0], Array(line.dropFirst()), environment: user.environment)
        try eventually(within: 20, "the command runs") { process.output.contains("ready") }
        process.kill(signal: SIGKILL)
        #expect(process.waitForExit(timeout: 10) != nil)
        try expectNothingLeft()
    }
}
