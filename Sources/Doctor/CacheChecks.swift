// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
private import Glibc
private import HostSystem
private import LayerStore
private import MountRecords

/// Whether the cache can be used where it is, or made where it will be.
struct CacheChecks {
    let path: String
    private static let check = "cache"
    /// Bytes below which a model will hardly fit.
    private static let littleRoom: UInt64 = 5 << 30

    var results: [CheckResult] {
        let location = location
        guard location.verdict != .problem else { return [location] }
        return [location, room]
    }

    private var location: CheckResult {
        var status = stat()
        guard stat(path, &status) == 0 else { return missing }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return .problem(Self.check, "\(path) is not a directory", elsewhere)
        }
        if let problem = reach(path) { return problem }
        guard status.st_uid == geteuid() else {
            return .problem(
                Self.check, "\(path) belongs to user \(status.st_uid), and only its owner writes to a cache",
                "--cache DIR with one of your own; this one is read with --shared-cache \(path)")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            let remedy = errno == EROFS ? elsewhere : "chmod u+rwx \(path)"
            return .problem(Self.check, "\(path) cannot be written: \(reason)", remedy)
        }
        do {
            // An empty directory becomes one when it is first used.
            if !TextFile.names(in: path).isEmpty { _ = try CacheDirectory(path: path, .look) }
            return .ok(Self.check, "\(path) can be used")
        } catch {
            return .problem(Self.check, "\(error)", elsewhere)
        }
    }

    private let elsewhere = "--cache DIR, or $KITFS_CACHE, with another directory"

    private var missing: CheckResult {
        if errno == EACCES || errno == ENOTDIR {
            return .problem(Self.check, "\(path): \(String(cString: strerror(errno)))", elsewhere)
        }
        let near = ExistingDirectory.above(path)
        if let problem = reach(near) { return problem }
        guard access(near, W_OK | X_OK) == 0 else {
            return .problem(
                Self.check, "\(path) is not there, and cannot be made: \(near): \(String(cString: strerror(errno)))",
                elsewhere)
        }
        return .ok(Self.check, "\(path) will be made by the first mount")
    }

    private func reach(_ directory: String) -> CheckResult? {
        CacheDirectory.networkFileSystem(of: directory).map {
            .problem(
                Self.check, "\(path) is on \($0), which several that write to it cannot share",
                "--cache DIR on a local disk; `kitfs pull --cache` may fill this one, for --shared-cache")
        }
    }

    private var room: CheckResult {
        var system = statvfs()
        let near = ExistingDirectory.above(path)
        guard statvfs(near, &system) == 0 else {
            return .note("room", "\(near): \(String(cString: strerror(errno)))")
        }
        let free = UInt64(system.f_bavail) * UInt64(system.f_frsize)
        let text = "\(ByteCount.text(free)) are free for the cache"
        return free < Self.littleRoom
            ? .note("room", text, "kitfs cache prune --all; or --cache DIR on a larger disk") : .ok("room", text)
    }
}
