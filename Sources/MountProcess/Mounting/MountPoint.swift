// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
private import MountRecords

/// Where a kit is to be mounted.
package struct MountPoint: Sendable {
    /// The name that the user gave.
    let name: String
    /// The absolute path, as `status` shows it.
    let directory: String
    /// `/dev/fd/N`, an open /dev/fuse that is mounted already; `directory` is only a label then.
    let device: String?
    /// Whether only the mount namespace of a `kitfs run` command sees it.
    let isPrivate: Bool

    package init(_ name: String) {
        self.name = name
        device = name.hasPrefix("/dev/fd/") ? name : nil
        directory = device ?? MountTable.canonical(name)
        isPrivate = false
    }

    init(_ directory: String, device: String, isPrivate: Bool) {
        name = directory
        self.directory = directory
        self.device = device
        self.isPrivate = isPrivate
    }

    /// The descriptor that `device` names.
    var descriptor: Int32? { device.flatMap { Int32($0.dropFirst("/dev/fd/".count)) } }

    /// Checks the directory before anything is fetched, without touching what is mounted there. A dead kitfs mount is
    /// removed.
    package func check() throws {
        guard device == nil else { return }
        try Self.checkName(name, directory)
        if let mounted = MountTable.current().entry(at: directory), mounted.isKitfs {
            guard DeadMount.isDead(directory) else {
                throw CommandFailure(
                    .mountPoint, "\(name): \(mounted.source) is mounted there; `kitfs unmount \(name)` ends that")
            }
            if let problem = Unmounting.unmount(directory, lazy: true) {
                throw CommandFailure(
                    .mountPoint, "\(name): \(mounted.source), whose process is dead, is mounted there: \(problem)")
            }
        }
        try Self.checkDirectory(name, directory)
    }

    /// Checks the name alone, without looking at the directory.
    static func checkName(_ name: String, _ directory: String) throws {
        guard !name.isEmpty else { throw CommandFailure(.usage, "the directory to mount on has an empty name") }
        guard directory != "/" else {
            throw CommandFailure(.mountPoint, "/: a kit cannot be mounted on the root directory")
        }
    }

    static func checkDirectory(_ name: String, _ directory: String) throws {
        var status = stat()
        guard stat(directory, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(.mountPoint, "\(name): \(reason); make it with `mkdir -p \(name)`")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(.mountPoint, "\(name): not a directory")
        }
    }

    /// The mount's process must not read below its own mount: it would wait for itself.
    func check(isNotAbove path: String, _ what: String) throws {
        guard device == nil, Self.isAbove(directory, path) else { return }
        throw CommandFailure(
            .mountPoint,
            "\(name): \(what), \(path), lies below it, and could not be read any more: choose another place")
    }

    private static func isAbove(_ directory: String, _ path: String) -> Bool {
        var own = stat()
        guard stat(directory, &own) == 0 else { return false }
        var place = MountTable.canonical(path)
        while true {
            var status = stat()
            if stat(place, &status) == 0, status.st_dev == own.st_dev, status.st_ino == own.st_ino { return true }
            guard let slash = place.lastIndex(of: "/"), place != "/" else { return false }
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
    }
}
