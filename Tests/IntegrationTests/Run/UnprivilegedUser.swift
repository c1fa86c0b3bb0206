// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A user without privileges, with a home below a bench's directory. Only root can become this user.
struct UnprivilegedUser {
    static let number: UInt32 = 65534
    let home: String
    /// The runtime directory is the home, too.
    let environment: [String: String]
    /// The path of the built command, or of a copy that the user can run.
    let kitfs: String
    /// The reference of the fixture plain-small, or of a copy that the user can read.
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

    /// The path of a file or directory of the clone. If the user cannot read it, since the clone is in a closed home
    /// such as root's, it is the path of a copy.
    static func reachable(_ path: String, _ bench: CommandFixture) throws -> String {
        let test = command(["test", "-r", path])
        if try Command.run(test[0], Array(test.dropFirst())).exitCode == 0 { return path }
        try Command.check("chmod", ["go+rx", bench.directory.path])
        let copy = "\(bench.directory.path)/\(path.split(separator: "/").last ?? "copy")"
        try Command.check("cp", ["-rL", "--no-target-directory", path, copy])
        return copy
    }

    /// Makes /dev/fuse accessible to all users, as distributions do. On CI machines its mode is 0600.
    static func openFuse() throws {
        guard geteuid() != 0 || chmod("/dev/fuse", 0o666) == 0 else { throw TestSupportError("/dev/fuse") }
    }

    /// A command line that first becomes the user.
    static func command(_ arguments: [String]) -> [String] {
        ["setpriv", "--reuid", "\(number)", "--regid", "\(number)", "--clear-groups", "--inh-caps=-all"] + arguments
    }

    func run(_ arguments: [String], through wrapper: [String] = []) throws -> CommandResult {
        let line = wrapper + Self.command(arguments)
        return try Command.run(line[0], Array(line.dropFirst()), environment: environment)
    }
}
