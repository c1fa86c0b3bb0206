// SPDX-License-Identifier: Apache-2.0
private import CFuse
private import Glibc
public import SystemPackage
private import Synchronization

/// How a file system is mounted.
public struct FuseMountOptions: Sendable {
    /// What `mount` and `df` show as the source.
    public var source: String
    /// The type is shown as `fuse.SUBTYPE`.
    public var subtype: String
    /// Users other than the one who mounts may enter; for others than root, /etc/fuse.conf must allow it.
    public var allowOther = false
    /// Programs in it cannot be run.
    public var forbidsExecution = false
    /// Whether files may be read by the kernel itself: see `Passthrough`.
    public var passthrough = true

    public init(source: String, subtype: String) {
        self.source = source
        self.subtype = subtype
    }

    var text: String {
        let escaped = source.flatMap { $0 == "," || $0 == "\\" ? ["\\", $0] : [$0] }
        let options = [
            "ro", "nosuid", "nodev", "default_permissions", "fsname=\(String(escaped))", "subtype=\(subtype)",
        ]
        let chosen = (allowOther ? ["allow_other"] : []) + (forbidsExecution ? ["noexec"] : [])
        return (options + chosen).joined(separator: ",")
    }
}

/// A mounted file system over libfuse's low-level API. Knows nothing of what it serves.
public final class FuseSession: @unchecked Sendable {
    // SAFETY: libfuse's session may be used from many threads; `loopThread` is behind a mutex.
    private let session: OpaquePointer
    private let context: Unmanaged<OperationsBox>
    public let passthrough: Passthrough
    private let loopThread = Mutex<pthread_t?>(nil)
    private let isEnding = Atomic(false)

    public enum Failure: Error, CustomStringConvertible {
        case setup(String)
        case mount(String)

        public var description: String {
            switch self {
            case .setup(let text), .mount(let text): text
            }
        }
    }

    public init(_ operations: any FuseOperations, _ options: FuseMountOptions) throws(Failure) {
        fuse_set_log_func { _, format, arguments in
            guard let format, let arguments else { return }
            FuseLog.append(format, arguments)
        }
        var arguments = fuse_args()
        defer { fuse_opt_free_args(&arguments) }
        for text in ["kitfs", "-o" + options.text] { fuse_opt_add_arg(&arguments, text) }
        passthrough = Passthrough(isWanted: options.passthrough)
        context = Unmanaged.passRetained(OperationsBox(operations, passthrough))
        var table = OperationTable.make()
        let session = cfuse_session_new(&arguments, &table, MemoryLayout<fuse_lowlevel_ops>.size, context.toOpaque())
        guard let session else {
            context.release()
            throw .setup("libfuse could not be set up: \(FuseLog.take())")
        }
        self.session = session
    }

    deinit {
        fuse_session_destroy(session)
        context.release()
    }

    /// Mounts on a directory; `/dev/fd/N` is an opened /dev/fuse that is mounted already.
    public func mount(on directory: String) throws(Failure) {
        guard fuse_session_mount(session, directory) == 0 else {
            // fusermount3 has said its own on stderr; libfuse may have nothing to add.
            let text = FuseLog.take()
            throw .mount(text.isEmpty ? "it was refused; you need write access to it, and /dev/fuse" : text)
        }
        passthrough.install(in: session)
    }

    /// Answers requests until the mount ends, then unmounts. Call it on the main thread, with the signals that are to
    /// end the mount blocked: see `end`.
    public func run() throws(Errno) {
        loopThread.withLock { $0 = pthread_self() }
        // Only there to interrupt libfuse's wait.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(Self.wakeSignal, &action, nil)
        let settings = fuse_loop_cfg_create()
        defer { fuse_loop_cfg_destroy(settings) }
        let result = fuse_session_loop_mt(session, settings)
        loopThread.withLock { $0 = nil }
        fuse_session_unmount(session)
        // Positive: a signal ended it; negative: an error.
        if result < 0, !isEnding.load(ordering: .acquiring) { throw Errno(rawValue: -result) }
    }

    private static let wakeSignal = SIGUSR1

    /// Tells the kernel to drop what it has of a file. Blocks until reads of it that are held are answered: for a thread
    /// that answers nothing.
    public func invalidate(inode: UInt64) {
        _ = fuse_lowlevel_notify_inval_inode(session, inode, 0, 0)
    }

    /// Gives the kernel the bytes of a file, from its start on, before it asks for them. Blocks while a read of these
    /// bytes is being answered: not on all threads that answer. What cannot be stored is asked for when it is wanted.
    public func store(_ bytes: UnsafeMutableRawBufferPointer, inode: UInt64) {
        _ = cfuse_store(session, inode, bytes.baseAddress, bytes.count)
    }

    /// Tells the kernel to forget a name. For a thread that answers nothing.
    public func invalidate(name: [UInt8], in parent: UInt64) {
        // libfuse sends the zero behind the name, too.
        (name + [0]).withUnsafeBytes { bytes in
            _ = fuse_lowlevel_notify_inval_entry(
                session, parent, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
        }
    }

    /// How many requests may be held before the kernel sends no more. Source: fuse(4), max_user_bgreq; only root has more.
    public static var backgroundLimit: Int {
        if geteuid() == 0 { return 65_535 }
        guard let file = fopen("/sys/module/fuse/parameters/max_user_bgreq", "re") else { return 12 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 32)
        guard fgets(&text, 32, file) != nil else { return 12 }
        return min(65_535, max(1, atol(text)))
    }

    /// The version of the protocol that the kernel speaks, as in `7.45`; nil before it has.
    public var kernelProtocol: String? {
        context.takeUnretainedValue().kernelProtocol
    }

    public static var libraryVersion: String { String(cString: fuse_pkgversion()) }

    /// Makes `run` return. Blocks until it does: a signal that comes just before libfuse waits would be lost, so it is
    /// sent until it has worked.
    public func end() {
        isEnding.store(true, ordering: .releasing)
        fuse_session_exit(session)
        while loopThread.withLock({ thread in
            guard let thread else { return false }
            pthread_kill(thread, Self.wakeSignal)
            return true
        }) {
            usleep(5_000)
        }
    }
}

/// What libfuse says of errors, to be part of ours.
private enum FuseLog {
    private static let text = Mutex("")

    static func append(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
        var buffer = [CChar](repeating: 0, count: 512)
        vsnprintf(&buffer, buffer.count, format, arguments)
        let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        text.withLock { $0 = String(($0 + line).suffix(1000)) }
    }

    /// One line.
    static func take() -> String {
        text.withLock { text in
            defer { text = "" }
            return text.split(separator: "\n").joined(separator: "; ")
        }
    }
}

final class OperationsBox: Sendable {
    let operations: any FuseOperations
    let passthrough: Passthrough
    private let kernel = Mutex<String?>(nil)

    init(_ operations: any FuseOperations, _ passthrough: Passthrough) {
        self.operations = operations
        self.passthrough = passthrough
    }

    /// The protocol that the kernel speaks, once it has spoken.
    var kernelProtocol: String? { kernel.withLock { $0 } }

    func start(kernel: String) {
        self.kernel.withLock { $0 = kernel }
        operations.started()
    }
}
