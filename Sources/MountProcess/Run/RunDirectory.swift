// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
private import MountRecords

/// The directory that `kitfs run` mounts on: the one that was named, or one in the runtime directory.
enum RunDirectory {
    /// The variable in which the command finds the directory.
    static let variable = "KITFS_MOUNT"

    /// The directory that was named. It must exist.
    static func named(_ name: String) throws -> String {
        let directory = MountTable.canonical(name)
        try MountPoint.checkName(name, directory)
        if MountTable.current().entry(at: directory) == nil { try MountPoint.checkDirectory(name, directory) }
        return directory
    }

    /// The directory for private mounts: the same path each time, so that nothing is left behind. Only nested runs get
    /// another.
    static func common() throws -> String {
        let taken = Set(MountTable.current().entries.map(\.directory))
        let candidates = ["run"] + (2...99).map { "run.\($0)" }
        let parent = try runtimeDirectory()
        guard let name = candidates.first(where: { !taken.contains("\(parent)/\($0)") }) else {
            throw CommandFailure(.mountPoint, "\(parent): 99 kits are mounted there; use --at DIR")
        }
        return try make("\(parent)/\(name)")
    }

    /// A new directory for a mount that all see. It is removed with `removeOwn`.
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
