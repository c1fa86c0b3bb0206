// SPDX-License-Identifier: Apache-2.0
private import HostSystem

/// What `status --json` prints of a mount. The keys are described in kitfs-status(1).
package struct StatusReport: Encodable {
    package let reference: String
    package let digest: String
    package let directory: String
    /// Whether only a command of `kitfs run` sees it there.
    package let isPrivate: Bool
    package let pid: Int32
    /// Whether its process lives.
    package let alive: Bool
    /// Whether its process is stopped, by a signal or a debugger: then nothing of the mount answers.
    package let stopped: Bool
    /// Seconds since 1970.
    package let started: Int64
    package let version: String
    package let verify: String
    package let cache: String
    package let log: String?
    package let io: MountActivity.IO?
    package let layers: [Layer]

    package struct Layer: Encodable {
        package let kind: String
        package let path: String
        package let name: String?
        package let digest: String
        package let size: UInt64
        package let cached: UInt64
        package let state: String
        package let received: UInt64
        package let rate: UInt64
        package let secondsLeft: Int?
        package let error: String?
        package let errorTime: Int64?
        /// How many operations wait for it.
        package let waiters: Int
        package let waits: [Wait]
    }

    package struct Wait: Encodable {
        package let operation: String
        package let count: Int
        package let since: Int64
        package let processes: [Process]
    }

    package struct Process: Encodable {
        package let pid: Int32
        /// nil where it has ended, or is not ours to see.
        package let command: String?
    }

    /// Of the mounts that this user may see. Never touches a mount: one may hang.
    package static func all(on directory: String?) -> [StatusReport] {
        FoundRecord.all().filter { directory == nil || $0.record.directory == directory }.map(StatusReport.init)
    }
}

extension StatusReport {
    /// The record's activity counts while its process lives. The status of a layer at rest comes from the cache, if
    /// this user owns it.
    init(_ found: FoundRecord) {
        let record = found.record
        reference = record.reference
        digest = record.digest
        directory = record.directory
        isPrivate = record.isPrivate ?? false
        pid = record.pid
        alive = found.isAlive
        stopped = found.isAlive && Self.isStopped(record.pid)
        started = record.started
        version = record.version
        verify = record.verify
        cache = record.cache
        log = record.log
        io = found.isAlive ? found.io : nil
        // Only a cache of this user is opened: another user could make root follow links.
        let looked = found.isOwn ? CacheLook.layers(of: found) : nil
        layers = looked ?? Layer.all(of: found, nil)
    }

    private static func isStopped(_ process: Int32) -> Bool {
        guard let text = TextFile.read("/proc/\(process)/stat"), let close = text.lastIndex(of: ")") else {
            return false
        }
        return text[close...].dropFirst(2).first.map { "Tt".contains($0) } ?? false
    }
}
