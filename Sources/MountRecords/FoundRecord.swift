// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials
private import Glibc
private import HostSystem

/// A record as another process finds it.
package struct FoundRecord {
    package let record: MountRecord
    /// By the layer's ordinal in the record.
    package let activity: [Int: MountActivity.Layer]
    /// How large files are read, once that is known.
    package let io: MountActivity.IO?
    /// Whether the process that wrote it still lives.
    package let isAlive: Bool
    /// Whether this user wrote it.
    package let isOwn: Bool
    /// Of its files, without their endings.
    let path: String

    /// All that this user may see: their own, and root's; root sees everyone's. Records of the dead whose mount is gone
    /// are removed. A directory or file that its user does not own, or others may write, is not looked at.
    package static func all() -> [FoundRecord] {
        let found = directories().flatMap { directory, owner in
            guard isTrusted(directory, S_IFDIR, owner) else { return [FoundRecord]() }
            return TextFile.names(in: directory).filter { $0.hasSuffix(".json") }.compactMap { name in
                load("\(directory)/\(name.dropLast(5))", owner)
            }
        }
        // A live mount has taken the dead one's directory.
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
        // A record that cannot be decoded is another version's or still being written, and is not shown.
        guard let bytes = TextFile.bytes(path + ".json"),
            let record = try? JSONDecoder().decode(MountRecord.self, from: Data(bytes))
        else { return nil }
        let isOwn = owner == geteuid()
        if !isAlive, isOwn, MountTable.current().entry(at: record.directory)?.isKitfs != true {
            LiveRecord.removeFiles(path)
            return nil
        }
        let hasActivity = isTrusted(path + ".activity", S_IFREG, owner)
        // Without an activity that can be decoded the record is still shown.
        let activity = (hasActivity ? TextFile.bytes(path + ".activity") : nil).flatMap {
            try? JSONDecoder().decode(MountActivity.self, from: Data($0))
        }
        return FoundRecord(
            record: record, activity: activity?.byOrdinal ?? [:], io: activity?.io, isAlive: isAlive, isOwn: isOwn,
            path: path)
    }
}
