// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import LayerCache
internal import LayerIndex
internal import LayerStore
internal import OCI
private import Synchronization
private import Threading

/// What `status --json` prints of a mount. The keys are described in the README and in kitfs-status(1).
struct StatusReport: Encodable {
    let reference: String
    let digest: String
    let directory: String
    /// Whether only a command of `kitfs run` sees it there.
    let isPrivate: Bool
    let pid: Int32
    /// Whether its process lives.
    let alive: Bool
    /// Whether its process is stopped, by a signal or a debugger: then nothing of the mount answers.
    let stopped: Bool
    /// Seconds since 1970.
    let started: Int64
    let version: String
    let verify: String
    let cache: String
    let log: String?
    let io: MountActivity.IO?
    let layers: [Layer]

    struct Layer: Encodable {
        let kind: String
        let path: String
        let name: String?
        let digest: String
        let size: UInt64
        let cached: UInt64
        let state: String
        let received: UInt64
        let rate: UInt64
        let secondsLeft: Int?
        let error: String?
        let errorTime: Int64?
        /// How many operations wait for it.
        let waiters: Int
        let waits: [Wait]
    }

    struct Wait: Encodable {
        let operation: String
        let count: Int
        let since: Int64
        let processes: [Process]
    }

    struct Process: Encodable {
        let pid: Int32
        /// nil where it has ended, or is not ours to see.
        let command: String?
    }

    /// Of the mounts that this user may see. Never touches a mount: one may hang.
    static func all(on directory: String?) -> [StatusReport] {
        FoundRecord.all().filter { directory == nil || $0.record.directory == directory }.map(StatusReport.init)
    }

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
        // Only our own cache: another's could be anything, and root would follow it.
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

/// Looking at caches, which may be on a file system that hangs, or below a mount of ours that does: then what the mounts say
/// of themselves is all there is.
private enum CacheLook {
    private static let patience = 500  // milliseconds
    /// Caches of which an earlier look has not come back.
    private static let hanging = Mutex<Set<String>>([])

    static func layers(of found: FoundRecord) -> [StatusReport.Layer]? {
        let path = found.record.cache
        guard hanging.withLock({ $0.insert(path).inserted }) else { return nil }
        return BackgroundThread.result(within: patience) {
            defer { hanging.withLock { _ = $0.remove(path) } }
            return StatusReport.Layer.all(of: found, try? CacheDirectory(path: path, .look))
        }
    }
}

private typealias Stage = Layer.Status.Stage

extension StatusReport.Layer {
    fileprivate static func all(of found: FoundRecord, _ cache: CacheDirectory?) -> [StatusReport.Layer] {
        found.record.layers.enumerated().map { place, layer in
            StatusReport.Layer(layer, found.isAlive ? found.activity[place] : nil, cache)
        }
    }

    /// `activity` of a live mount; what is not under way there, the cache tells, if it is ours.
    fileprivate init(_ layer: MountRecord.Layer, _ activity: MountActivity.Layer?, _ cache: CacheDirectory?) {
        kind = layer.kind
        path = layer.path
        name = layer.name
        digest = layer.digest
        size = layer.size
        var stage = activity?.stage ?? "unknown"
        var cached = activity?.cached ?? 0
        if activity?.isAtRest ?? true, let cache, let digest = Digest(layer.digest), let form = LayerForm(layer.form) {
            let stored = cache.status(LayerKey(digest: digest, form: form), blobSize: layer.size)
            cached = stored.cached
            if stage != Stage.failed.rawValue { stage = stored.stage.rawValue }
        }
        self.cached = cached
        let isFetching = stage == Stage.fetching.rawValue
        state = isFetching && cached >= layer.size ? "verifying" : stage
        received = activity?.received ?? 0
        rate = isFetching ? activity?.rate ?? 0 : 0
        secondsLeft = isFetching ? RateMeter.secondsLeft(layer.size - min(layer.size, cached), at: rate) : nil
        error = activity?.error
        errorTime = activity?.errorTime
        waits = (activity?.waits ?? []).map(StatusReport.Wait.init)
        waiters = activity?.waiters ?? 0
    }
}

extension StatusReport.Wait {
    fileprivate init(_ wait: MountActivity.Wait) {
        operation = wait.operation
        count = wait.count
        since = wait.since
        processes = wait.callers.map { caller in
            let name = TextFile.read("/proc/\(caller)/comm").map { String($0.prefix { !$0.isNewline }) }
            return StatusReport.Process(pid: caller, command: name)
        }
    }
}
