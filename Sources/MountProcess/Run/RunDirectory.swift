// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
private import MountRecords

/// The directory that `kitfs run` mounts on.
enum RunDirectory {
    /// Where the command finds it.
    static let variable = "KITFS_MOUNT"

    /// The one that was named, which must exist.
    static func named(_ name: String) throws -> String {
        let directory = MountTable.canonical(name)
        try MountPoint.checkName(name, directory)
        if MountTable.current().entry(at: directory) == nil { try MountPoint.checkDirectory(name, directory) }
        return directory
    }

    /// One for all that mount privately: the same path every time, and nothing that is left behind. Only a command that
    /// runs another gets a second.
    static func common() throws -> String {
        let taken = Set(MountTable.current().entries.map(\.directory))
        let candidates = ["run"] + (2...99).map { "run.\($0)" }
        let parent = try runtimeDirectory()
        guard let name = candidates.first(where: { !taken.contains("\(parent)/\($0)") }) else {
            throw CommandFailure(.mountPoint, "\(parent): 99 kits are mounted there; use --at DIR")
        }
        return try make("\(parent)/\(name)")
    }

    /// One for a mount that all see: to be removed.
    static func own() throws -> String {
        try make("\(try runtimeDirectory())/run-\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    }

    /// Removes a directory of `own`, and no other.
    static func removeOwn(_ directory: String) {
        if directory.hasPrefix(MountTable.canonical(LiveRecord.directory()) + "/run-") { rmdir(directory) }
    }

    private static func runtimeDirectory() throws -> String {
        guard let directory = LiveRecord.makeDirectory() else {
            throw CommandFailure(
                .mountPoint, "\(LiveRecord.directory()) cannot be made, or is another user's; use --at DIR")
        }
        return MountTable.canonical(directory)
    }

    private static func make(_ path: String) throws -> String {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw CommandFailure(.mountPoint, "\(path): \(String(cString: strerror(errno))); use --at DIR")
        }
        return path
    }
}
