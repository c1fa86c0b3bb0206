// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
private import HostSystem
private import MountProcess
private import MountRecords

struct UnmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmount",
        abstract: "Unmount a kit.",
        discussion:
            "Returns when the mount and its process are gone. A mount in use is left alone, and its users are named.",
        aliases: ["umount"])

    @Argument(help: ArgumentHelp("The directory that the kit is mounted on.", valueName: "dir"))
    var directory: String

    @Flag(name: [.customShort("l"), .long], help: "Detach it now, and let it end when nobody uses it any more.")
    var lazy = false

    func run() throws {
        let path = MountTable.canonical(directory)
        guard let entry = MountTable.current().entry(at: path), entry.isKitfs else {
            if let own = FoundRecord.all().first(where: { $0.record.directory == path && $0.isAlive })?.record.pid {
                throw CommandFailure(
                    .mountPoint,
                    "\(directory): only a command of `kitfs run` sees the kit there, and it ends with that; "
                        + "`kill \(own)` ends it now")
            }
            throw CommandFailure(
                .mountPoint, "\(directory): no kit is mounted there; `kitfs status` lists those that are")
        }
        let owner = FoundRecord.all().first {
            $0.record.directory == path && $0.record.isPrivate != true && $0.isAlive
        }?.record.pid
        var problem = Unmounting.unmount(path, lazy: lazy)
        var users: [String] = []
        // Programs that read /proc, such as lsof, hold a mount for a moment only and are not named.
        for _ in 0..<10 where problem != nil {
            users = MountUsers.find(path)
            guard users.isEmpty else { break }
            usleep(20_000)
            problem = Unmounting.unmount(path, lazy: lazy)
        }
        if let problem {
            guard users.isEmpty else {
                throw CommandFailure(
                    .mountPoint,
                    "\(directory): in use by \(users.joined(separator: "; ")); end them, or use --lazy")
            }
            let nested = MountTable.current().entries.map(\.directory).filter { $0.hasPrefix(path + "/") }
            guard nested.isEmpty else {
                throw CommandFailure(
                    .mountPoint,
                    "\(directory): something is mounted below it: \(nested.prefix(5).joined(separator: ", "))")
            }
            throw CommandFailure(.mountPoint, "\(directory): \(problem)")
        }
        if let owner, !lazy { waitForEnd(of: owner) }
    }

    /// Waits until the mount's process has released its locks, at most ten seconds.
    private func waitForEnd(of process: Int32) {
        for _ in 0..<1000 where kill(process, 0) == 0 || errno == EPERM {
            // A zombie has released everything; only its parent can reap it.
            if let text = TextFile.read("/proc/\(process)/stat"), let close = text.lastIndex(of: ")"),
                text[close...].dropFirst(2).first == "Z"
            {
                return
            }
            usleep(10_000)
        }
    }
}
