// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import FuseSession
private import Glibc
private import HostSystem
internal import KitFileSystem
internal import KitMount
internal import LayerIndex
internal import LayerStore
internal import Logging
internal import ModelKit
internal import MountRecords
private import OCI
private import Registry
private import Threading

/// The process that serves one mount. It assembles the parts, serves until a signal or an unmount, and cleans up.
package struct MountProcess {
    private let mountPoint: MountPoint
    private let configuration: MountConfiguration
    private let readiness: ReadinessPipe.Writer
    private let observer: (any MountObserver)?
    private let logger: Logger
    private let logPath: String
    private let shutdown = MountShutdown()
    private let id = String(UInt64.random(in: 0 ... .max), radix: 36)

    /// Returns when the mount has ended. A failure, of `configuration` too, is reported to the waiting parent process, or
    /// else thrown as a `CommandFailure`. `lifeline`: see `RunServer`. `observer`: shows the mount's activity.
    package static func serve(
        _ mountPoint: MountPoint, _ configuration: @autoclosure () throws -> MountConfiguration, lifeline: Int32? = nil,
        observer: (any MountObserver)? = nil
    ) throws {
        let readiness = ReadinessPipe.Writer(keeping: [mountPoint.descriptor, lifeline, observer?.descriptor])
        do {
            let configuration = try configuration()
            do {
                let process = MountProcess(mountPoint, configuration, readiness, observer)
                if let lifeline { process.end(with: lifeline) }
                try process.run()
            } catch {
                throw CommandFailure(error, configuration.name)
            }
        } catch {
            // A failure of the options names no kit.
            let failure = CommandFailure(error, "options")
            if readiness.fail(failure) { Glibc.exit(failure.code.rawValue) }
            throw failure
        }
    }

    private init(
        _ mountPoint: MountPoint, _ configuration: MountConfiguration, _ readiness: ReadinessPipe.Writer,
        _ observer: (any MountObserver)?
    ) {
        self.observer = observer
        self.mountPoint = mountPoint
        self.configuration = configuration
        self.readiness = readiness
        var logger = configuration.log.logger
        logger[metadataKey: "reference"] = "\(configuration.name)"
        self.logger = logger
        // Made absolute now: the working directory is another once it is mounted.
        logPath = configuration.log.file.map(Environment.absolute) ?? "\(LiveRecord.directory())/\(id).log"
    }

    private func run() throws {
        ProcessSetup.raiseFileLimit()
        ProcessSetup.blockEndingSignals()
        endOnSignal()
        do {
            if let log = try openLog() {
                if configuration.log.file == nil { shutdown.remove(logPath) }
                configuration.log.redirect(log)
            }
            try serve()
        } catch {
            if configuration.log.file == nil { unlink(logPath) }
            throw error
        }
    }

    private func serve() throws {
        let cache = try configuration.caches.open()
        let shared = try configuration.caches.openShared(besides: cache)
        for cache in [cache] + shared { try mountPoint.check(isNotAbove: cache.path, "the cache") }
        if case .layout(let directory) = configuration.reference.origin {
            try mountPoint.check(isNotAbove: directory, "the layout")
        }
        let family = try configuration.access.family(
            configuration.reference, cache: cache, shared: shared, filters: configuration.filters)
        for layer in family.kit.hiddenLayers {
            let blob = layer.descriptor
            logger.warning("layer \(blob.digest) of type \(blob.mediaType) is not shown: \(layer.reason)")
        }
        if let warning = KitAccess.warning(of: family, filters: configuration.filters) { warn(warning) }
        let store = LayerStore(
            cache: cache, shared: shared, concurrency: configuration.access.concurrency,
            timeout: configuration.access.settings.timeout, limit: configuration.cacheLimit, logger: logger)
        let tree = try KitFileSystem(
            family, store: store,
            modes: ModePolicy(sharesWithOthers: configuration.allowOther, umask: configuration.umask),
            verify: configuration.verify)
        for (text, filter) in configuration.prefetch
        where !tree.mountedLayers.contains(where: { filter.matches($0.declared) }) {
            warn("--prefetch \(text) chooses nothing of what is mounted")
        }
        warn(of: tree)
        var options = FuseMountOptions(source: tree.reference.description, subtype: "kitfs")
        options.allowOther = configuration.allowOther
        options.forbidsExecution = configuration.forbidsExecution
        options.passthrough = configuration.passthrough
        let waits = WaitLedger()
        let publisher = ActivityPublisher(tree, waits)
        let backings = BackingFiles()
        let operations = KitOperations(
            tree, waits, backings, owner: (configuration.owner ?? geteuid(), configuration.group ?? getegid()),
            logger: logger
        ) { [self] in
            publisher.start(record(tree, cache), io: { backings.mode(cache.path) }, id: id)
            logger.notice(
                """
                kitfs \(configuration.version) on \(mountPoint.directory): \(tree.digest), \
                verify \(configuration.verifyText), cache \(cache.path)
                """)
            let fuse = shutdown.fuseProtocol
            logger.notice(
                "\(KernelFeatures.text(fuse: fuse, passthroughIsWanted: configuration.passthrough, cache: cache.path))")
            observer?.start(tree, waits)
            sayReady(tree)
            for mounted in tree.mountedLayers
            where configuration.prefetch.contains(where: { $0.filter.matches(mounted.declared) }) {
                _ = mounted.layer.requireContent { _ in }
            }
        }
        let session = try FuseSession(operations, options)
        shutdown.set(session)
        forget(tree, session)
        backings.use(session.passthrough)
        operations.smallFiles.use(session)
        guard readiness.isAwaited else { throw CommandFailure(.failed, "the process that asked for the mount is gone") }
        try mount(session)
        chdir("/")
        tree.claimCached()
        for (declared, layer, _) in tree.mountedLayers {
            cache.note(.init(kind: declared.kind.rawValue, kit: tree.reference.description), of: layer.key)
        }
        defer {
            observer?.stop()
            if !readiness.isInBackground {
                ServiceManager.notify("STOPPING=1", "STATUS=syncing what was fetched")
            }
            logger.notice("unmounted")
            store.shutDown()
            publisher.stop()
        }
        try session.run()
    }

    private func mount(_ session: FuseSession) throws(CommandFailure) {
        do { try session.mount(on: mountPoint.device ?? mountPoint.directory) } catch {
            throw CommandFailure(.mountPoint, "\(configuration.name): cannot be mounted on: \(error)")
        }
    }

    /// Warns in the log and, in the background, on stderr.
    private func warn(_ text: String) {
        logger.warning("\(text)")
        // In the foreground the log goes to stderr already.
        if readiness.isInBackground { configuration.log.warn(text) }
    }

    /// Warns of large layers that an open waits for, and of streaming without verified TLS.
    private func warn(of tree: KitFileSystem) {
        for (declared, layer, isStreamed) in tree.mountedLayers {
            if !isStreamed, layer.descriptor.size > 4 << 30 {
                let size = ByteCount.text(layer.descriptor.size)
                warn(
                    """
                    the \(declared.kind.rawValue) layer at \(declared.path) has \(size), and the first open in it waits for \
                    all of that: --verify while-streaming=FILTER reads it while it comes, `kitfs pull` fetches it before
                    """)
            }
        }
        if !configuration.access.isSafe, tree.mountedLayers.contains(where: \.isStreamed) {
            warn(
                "--verify while-streaming without verified TLS: whoever stands between can have wrong bytes read")
        }
    }

    /// Invalidates the kernel's caches when the tree changes.
    private func forget(_ tree: KitFileSystem, _ session: FuseSession) {
        let invalidating = WorkerPool(limit: 1)
        tree.observe { [weak session] invalidations in
            invalidating.submit { [session] in
                guard let session else { return }
                for invalidation in invalidations {
                    switch invalidation {
                    case .name(let parent, let name): session.invalidate(name: name.bytes, in: parent.rawValue)
                    case .pages(let inode): session.invalidate(inode: inode.rawValue)
                    }
                }
            }
        }
    }

    /// Reports that the mount is usable. If the waiting process is gone, the mount ends.
    private func sayReady(_ tree: KitFileSystem) {
        guard readiness.isInBackground else {
            ServiceManager.notify("READY=1", "STATUS=\(configuration.name) is mounted on \(mountPoint.directory)")
            ServiceStatus.follow(tree, idle: "\(configuration.name) is mounted on \(mountPoint.directory)")
            return
        }
        ProcessSetup.closeOutput()
        // A process that draws on the terminal stays in its session, to see which process group is in the foreground.
        if observer == nil { setsid() } else { setpgid(0, 0) }
        if !readiness.ready() {
            logger.notice("ending: the process that asked for the mount is gone")
            BackgroundThread.start { shutdown.end() }
        }
    }

    private func record(_ tree: KitFileSystem, _ cache: CacheDirectory) -> MountRecord {
        MountRecord(
            pid: getpid(), reference: tree.reference.description, digest: tree.digest.description,
            directory: mountPoint.directory, isPrivate: mountPoint.isPrivate, cache: cache.path,
            verify: configuration.verifyText, started: Int64(time(nil)), log: readiness.isInBackground ? logPath : nil,
            version: configuration.version,
            layers: tree.mountedLayers.map { declared, layer, _ in
                MountRecord.Layer(
                    digest: layer.key.digest.description, form: layer.key.form.description,
                    kind: declared.kind.rawValue, path: declared.path.description, name: declared.name,
                    size: layer.descriptor.size)
            })
    }

    // MARK: The process

    /// Returns nil if the log goes to stderr: in the foreground without --log-file, or without a runtime directory.
    private func openLog() throws -> Int32? {
        guard readiness.isInBackground || configuration.log.file != nil else { return nil }
        if configuration.log.file == nil, LiveRecord.makeDirectory() == nil { return nil }
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else {
            throw CommandFailure(.failed, "the log \(logPath) cannot be written: \(String(cString: strerror(errno)))")
        }
        return log
    }

    /// Ends the mount when the supervisor of `kitfs run` is killed.
    private func end(with lifeline: Int32) {
        _ = fcntl(lifeline, F_SETFD, FD_CLOEXEC)
        ProcessSetup.blockEndingSignals()
        BackgroundThread.start { [logger, shutdown] in
            guard RunServer.outlives(lifeline) else { return }
            logger.notice("ending: `kitfs run` was killed")
            shutdown.end()
        }
    }

    private func endOnSignal() {
        BackgroundThread.start { [logger, shutdown] in
            while true {
                var signals = ProcessSetup.endingSignals
                var signal: Int32 = 0
                guard sigwait(&signals, &signal) == 0 else { continue }
                logger.notice("ending: \(String(cString: strsignal(signal)))")
                shutdown.end()
            }
        }
    }
}
