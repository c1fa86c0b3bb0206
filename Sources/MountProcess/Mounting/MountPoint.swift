// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
private import MountRecords

/// Where a kit is mounted.
package struct MountPoint: Sendable {
    /// As it was named.
    let name: String
    /// The directory as `status` shows it.
    let directory: String
    /// `/dev/fd/N`, an opened /dev/fuse that is mounted already, where `directory` is only its name.
    let device: String?
    /// It is seen in a mount namespace of a command's own, and in no other.
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

    /// Before anything is fetched, and without touching what may be mounted there. What a mount's process left there when
    /// it died is taken away.
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

    /// What can be said without a look: for a name that may be a mount's.
    static func checkName(_ name: String, _ directory: String) throws {
        guard !name.isEmpty else { throw CommandFailure(.usage, "the directory to mount on is an empty word") }
        guard directory != "/" else { throw CommandFailure(.mountPoint, "/: a kit cannot take the place of all") }
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

    /// What the mount's process reads must not lie below the mount: it would wait for itself.
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
