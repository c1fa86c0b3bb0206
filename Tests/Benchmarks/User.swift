// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The user that a program runs as.
enum User {
    case root
    /// `nobody`, without any privilege.
    case unprivileged

    static let number: UInt32 = 65534

    func command(_ command: [String]) -> [String] {
        switch self {
        case .root: command
        case .unprivileged:
            ["setpriv", "--reuid=\(Self.number)", "--regid=\(Self.number)", "--clear-groups", "--"] + command
        }
    }
}

/// Makes /dev/fuse accessible to all users, as on most systems. Its release restores the mode.
final class FuseDevice {
    private static let path = "/dev/fuse"
    private let mode: UInt32

    init() throws {
        var status = stat()
        guard getuid() == 0 else { throw NotHere("only root can run a program as somebody else") }
        guard stat(Self.path, &status) == 0 else { throw NotHere("there is no \(Self.path)") }
        mode = status.st_mode & 0o7777
        chmod(Self.path, 0o666)
        Interruption.cleanUp { [mode] in chmod(Self.path, mode) }
    }

    deinit { chmod(Self.path, mode) }
}
