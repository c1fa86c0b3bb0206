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
    /// Whether other users may enter. Unprivileged mounts need user_allow_other in /etc/fuse.conf.
    public var allowOther = false
    /// Whether programs on it cannot be executed.
    public var forbidsExecution = false
    /// Whether passthrough is used where it can be; see `Passthrough`.
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

/// A mounted file system over libfuse's low-level API. It does not know what it serves.
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
            // fusermount3 has written to stderr itself; libfuse's message may be empty.
            let text = FuseLog.take()
            throw .mount(text.isEmpty ? "it was refused; you need write access to it, and /dev/fuse" : text)
        }
        passthrough.install(in: session)
    }

    /// Answers requests until the mount ends, then unmounts. Call it on the main thread, with the signals that are to
    /// end the mount blocked: see `end`.
    public func run() throws(Errno) {
        loopThread.withLock { $0 = pthread_self() }
        // The handler only interrupts libfuse's wait.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(Self.wakeSignal, &action, nil)
        let settings = fuse_loop_cfg_create()
        defer { fuse_loop_cfg_destroy(settings) }
        let result = fuse_session_loop_mt(session, settings)
        loopThread.withLock { $0 = nil }
        fuse_session_unmount(session)
        // A positive result is the signal that ended it; a negative one is an errno.
        if result < 0, !isEnding.load(ordering: .acquiring) { throw Errno(rawValue: -result) }
    }

    private static let wakeSignal = SIGUSR1

    /// Invalidates the kernel's pages of a file. Blocks until held reads of it are answered: not for threads that
    /// answer requests.
    public func invalidate(inode: UInt64) {
        _ = fuse_lowlevel_notify_inval_inode(session, inode, 0, 0)
    }

    /// Stores the first bytes of a file in the kernel's page cache. Blocks while a read of these bytes is answered, so
    /// not all threads that answer may do it at once. A failure is harmless: the kernel reads the file then.
    public func store(_ bytes: UnsafeMutableRawBufferPointer, inode: UInt64) {
        _ = cfuse_store(session, inode, bytes.baseAddress, bytes.count)
    }

    /// Invalidates a cached name. Not for threads that answer requests.
    public func invalidate(name: [UInt8], in parent: UInt64) {
        // libfuse also sends the zero byte after the name.
        (name + [0]).withUnsafeBytes { bytes in
            _ = fuse_lowlevel_notify_inval_entry(
                session, parent, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
        }
    }

    /// How many background requests may be open before the kernel sends no more. Source: fuse(4), max_user_bgreq, which
    /// does not bind root.
    public static var backgroundLimit: Int {
        if geteuid() == 0 { return 65_535 }
        guard let file = fopen("/sys/module/fuse/parameters/max_user_bgreq", "re") else { return 12 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 32)
        guard fgets(&text, 32, file) != nil else { return 12 }
        return min(65_535, max(1, atol(text)))
    }

    /// The version of the kernel's FUSE protocol, as in `7.45`; nil before INIT.
    public var kernelProtocol: String? {
        context.takeUnretainedValue().kernelProtocol
    }

    public static var libraryVersion: String { String(cString: fuse_pkgversion()) }

    /// Makes `run` return, and blocks until it does. A signal just before libfuse waits would be lost, so it is sent
    /// again until the loop has ended.
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

/// libfuse's error messages, which become part of ours.
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

    /// The version of the kernel's FUSE protocol; nil before INIT.
    var kernelProtocol: String? { kernel.withLock { $0 } }

    func start(kernel: String) {
        self.kernel.withLock { $0 = kernel }
        operations.started()
    }
}
