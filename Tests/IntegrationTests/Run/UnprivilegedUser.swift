// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A user without any privilege, with a home below a bench's directory. Only root can become one.
struct UnprivilegedUser {
    static let number: UInt32 = 65534
    let home: String
    /// The home is also where the runtime directory is.
    let environment: [String: String]
    /// The command that was built with the tests, where they can run it.
    let kitfs: String
    /// As it was given, of the fixture plain-small, where they can read it.
    let reference: String

    init(_ bench: CommandFixture) throws {
        try Self.openFuse()
        home = try bench.directory.subdirectory("user")
        environment = ["HOME": home, "KITFS_CACHE": "", "XDG_CACHE_HOME": "", "XDG_RUNTIME_DIR": home]
        guard chmod(bench.directory.path, 0o755) == 0, chown(home, Self.number, Self.number) == 0,
            chmod(bench.logs, 0o777) == 0
        else { throw TestSupportError("a home for the user") }
        kitfs = try Self.reachable(CommandFixture.executable, bench)
        reference = "oci:\(try Self.reachable(Fixtures.layout("plain-small"), bench)):v1"
    }

    /// A file or directory of the clone: where that lies in a home that is shut, as root's often is, a copy of it.
    static func reachable(_ path: String, _ bench: CommandFixture) throws -> String {
        let test = command(["test", "-r", path])
        if try Command.run(test[0], Array(test.dropFirst())).exitCode == 0 { return path }
        try Command.check("chmod", ["go+rx", bench.directory.path])
        let copy = "\(bench.directory.path)/\(path.split(separator: "/").last ?? "copy")"
        try Command.check("cp", ["-rL", "--no-target-directory", path, copy])
        return copy
    }

    /// /dev/fuse is for all, as distributions ship it; on machines of CI it is 0600.
    static func openFuse() throws {
        guard geteuid() != 0 || chmod("/dev/fuse", 0o666) == 0 else { throw TestSupportError("/dev/fuse") }
    }

    /// A command line that becomes the user first.
    static func command(_ arguments: [String]) -> [String] {
        ["setpriv", "--reuid", "\(number)", "--regid", "\(number)", "--clear-groups", "--inh-caps=-all"] + arguments
    }

    func run(_ arguments: [String], through wrapper: [String] = []) throws -> CommandResult {
        let line = wrapper + Self.command(arguments)
        return try Command.run(line[0], Array(line.dropFirst()), environment: environment)
    }
}
