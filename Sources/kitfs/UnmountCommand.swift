// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc

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
            throw CommandFailure(
                .mountPoint, "\(directory): no kit is mounted there; `kitfs status` lists those that are")
        }
        let owner = FoundRecord.all().first { $0.record.directory == path && $0.isAlive }?.record.pid
        var problem = unmount(path)
        var users: [String] = []
        // Whoever only looks through /proc, as lsof does, holds a mount for a moment: nobody to be named.
        for _ in 0..<10 where problem != nil {
            users = MountUsers.find(path)
            guard users.isEmpty else { break }
            usleep(20_000)
            problem = unmount(path)
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

    /// nil, or why not.
    private func unmount(_ path: String) -> String? {
        Environment.isRoot ? unmountAsRoot(path) : unmountAsUser(path)
    }

    private func unmountAsRoot(_ path: String) -> String? {
        let noFollow: Int32 = 8  // UMOUNT_NOFOLLOW
        let detach: Int32 = 2  // MNT_DETACH
        return umount2(path, noFollow | (lazy ? detach : 0)) == 0 ? nil : String(cString: strerror(errno))
    }

    /// Only fusermount3, which is setuid, may do it for others. What it says of a failure is the reason.
    private func unmountAsUser(_ path: String) -> String? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return String(cString: strerror(errno)) }
        defer { close(ends[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let arguments = ["fusermount3", "-u"] + (lazy ? ["-z"] : []) + ["--", path]
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var child = pid_t()
        let result = posix_spawnp(&child, "fusermount3", &actions, nil, &argv, environ)
        close(ends[1])
        guard result == 0 else {
            return "fusermount3 cannot be run (\(String(cString: strerror(result)))); install fuse3"
        }
        var said = [UInt8](repeating: 0, count: 1000)
        let count = max(0, read(ends[0], &said, said.count))
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let text = String(decoding: said[0..<count], as: UTF8.self).split(separator: "\n").joined(separator: "; ")
        return status == 0 ? nil : text.isEmpty ? "fusermount3 failed (\(status))" : text
    }

    /// The mount is gone; its process has to give back its locks. Ten seconds at most.
    private func waitForEnd(of process: Int32) {
        for _ in 0..<1000 where kill(process, 0) == 0 || errno == EPERM {
            // A zombie has given back everything; who started it must take its leave.
            if let text = TextFile.read("/proc/\(process)/stat"), let close = text.lastIndex(of: ")"),
                text[close...].dropFirst(2).first == "Z"
            {
                return
            }
            usleep(10_000)
        }
    }
}
