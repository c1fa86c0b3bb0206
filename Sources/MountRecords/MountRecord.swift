// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc

/// What a live mount tells of itself, for `status` and `unmount` only: a file in the runtime directory, locked as long
/// as the mount lives, and beside it a file with what its layers are at.
struct MountRecord: Codable {
    let pid: Int32
    let reference: String
    let digest: String
    let directory: String
    /// Whether `directory` is mounted in a namespace of a command's own, by `kitfs run`. nil of earlier versions.
    let isPrivate: Bool?
    let cache: String
    let verify: String
    /// Seconds since 1970.
    let started: Int64
    /// nil in the foreground.
    let log: String?
    let version: String
    let layers: [Layer]

    struct Layer: Codable {
        let digest: String
        let form: String
        let kind: String
        let path: String
        let name: String?
        /// Bytes in the registry.
        let size: UInt64
    }
}

/// A mount's record as its own process holds it.
final class LiveRecord: Sendable {
    private let path: String
    private let descriptor: Int32

    static func directory() -> String {
        if Environment.ownsSystem { return "/run/kitfs" }
        if let runtime = Environment.nonEmpty("XDG_RUNTIME_DIR") { return runtime + "/kitfs" }
        return "/tmp/kitfs-\(geteuid())"
    }

    /// Makes the runtime directory; nil if there can be none, or it is another user's: then the mount goes unlisted.
    static func makeDirectory() -> String? {
        let path = directory()
        if mkdir(path, 0o755) != 0, errno != EEXIST { return nil }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            return nil
        }
        return path
    }

    init?(_ record: MountRecord, id: String) {
        guard let directory = Self.makeDirectory(), let bytes = try? JSONEncoder().encode(record) else { return nil }
        path = "\(directory)/\(id)"
        descriptor = open(path + ".json", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { return nil }
        // A descriptor's lock, which goes with the process.
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
        let data = Array(bytes)
        guard write(descriptor, data, data.count) == data.count else { return nil }
    }

    /// Replaces the file at once, so that a reader never sees half of it.
    func publish(_ activity: MountActivity) {
        guard let data = try? JSONEncoder().encode(activity) else { return }
        let bytes = Array(data)
        let temporary = path + ".activity.tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { return }
        let isWritten = write(file, bytes, bytes.count) == bytes.count
        close(file)
        if isWritten { rename(temporary, path + ".activity") }
    }

    /// The mount has ended.
    func remove() {
        LiveRecord.removeFiles(path)
        close(descriptor)
    }

    static func removeFiles(_ path: String) {
        for ending in [".activity", ".activity.tmp", ".log", ".json"] { unlink(path + ending) }
    }
}

/// A record as another process finds it.
struct FoundRecord {
    let record: MountRecord
    /// By the layer's place in the record.
    let activity: [Int: MountRecord.Activity]
    /// How large files are read, once that is known.
    let io: MountActivity.IO?
    /// Whether the process that wrote it still lives.
    let isAlive: Bool
    /// Whether this user wrote it.
    let isOwn: Bool
    /// Of its files, without their endings.
    private let path: String

    /// All that this user may see: their own, and root's; root sees everyone's. Records of the dead whose mount is gone
    /// are removed. A directory or file that its user does not own, or others may write, is not looked at.
    static func all() -> [FoundRecord] {
        let found = directories().flatMap { directory, owner in
            guard isTrusted(directory, S_IFDIR, owner) else { return [FoundRecord]() }
            return TextFile.names(in: directory).filter { $0.hasSuffix(".json") }.compactMap { name in
                load("\(directory)/\(name.dropLast(5))", owner)
            }
        }
        // Another is mounted where the dead one was.
        let taken = Set(found.filter { $0.isAlive && $0.record.isPrivate != true }.map(\.record.directory))
        return found.filter { found in
            guard !found.isAlive, taken.contains(found.record.directory) else { return true }
            if found.isOwn { LiveRecord.removeFiles(found.path) }
            return false
        }
    }

    private static func directories() -> [(path: String, owner: uid_t)] {
        let system = ("/run/kitfs", uid_t(0))
        guard Environment.ownsSystem else { return [(LiveRecord.directory(), geteuid()), system] }
        func users(_ parent: String, prefix: String, suffix: String) -> [(String, uid_t)] {
            TextFile.names(in: parent).compactMap { name in
                guard name.hasPrefix(prefix), let user = uid_t(name.dropFirst(prefix.count)) else { return nil }
                return ("\(parent)/\(name)\(suffix)", user)
            }
        }
        return [system] + users("/run/user", prefix: "", suffix: "/kitfs") + users("/tmp", prefix: "kitfs-", suffix: "")
    }

    private static func isTrusted(_ path: String, _ type: mode_t, _ owner: uid_t) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == type && status.st_uid == owner
            && status.st_mode & 0o022 == 0
    }

    private static func load(_ path: String, _ owner: uid_t) -> FoundRecord? {
        guard isTrusted(path + ".json", S_IFREG, owner) else { return nil }
        let descriptor = open(path + ".json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let isAlive = flock(descriptor, LOCK_SH | LOCK_NB) != 0
        guard let bytes = TextFile.bytes(path + ".json"),
            let record = try? JSONDecoder().decode(MountRecord.self, from: Data(bytes))
        else { return nil }
        let isOwn = owner == geteuid()
        if !isAlive, isOwn, MountTable.current().entry(at: record.directory)?.isKitfs != true {
            LiveRecord.removeFiles(path)
            return nil
        }
        let hasActivity = isTrusted(path + ".activity", S_IFREG, owner)
        let activity = (hasActivity ? TextFile.bytes(path + ".activity") : nil).flatMap {
            try? JSONDecoder().decode(MountActivity.self, from: Data($0))
        }
        return FoundRecord(
            record: record, activity: activity?.byPlace ?? [:], io: activity?.io, isAlive: isAlive, isOwn: isOwn,
            path: path)
    }
}
