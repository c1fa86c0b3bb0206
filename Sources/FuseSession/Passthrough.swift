// SPDX-License-Identifier: Apache-2.0
internal import CFuse
private import Glibc
public import SystemPackage
private import Synchronization

/// Reads that the kernel does itself, from a file that we name when it is opened: at the speed of that file, and with its
/// pages.
///
/// It needs CAP_SYS_ADMIN in the first namespace, Linux 6.9, and a file on a file system that is not stacked. libfuse knows
/// of it since 3.17; with an older one, the reply to INIT is changed on its way out, and the reply to an open is made by
/// hand. See Documentation/filesystems/fuse/fuse-passthrough.rst of Linux.
public final class Passthrough: Sendable {
    /// Names a file towards the kernel, until it is closed.
    public typealias BackingID = Int32

    private let device = Mutex<Int32?>(nil)
    private let problem = Mutex<Errno?>(nil)
    /// Whether it was asked for.
    public let isWanted: Bool

    private static let passing: Set<Errno> = [.noMemory, .noSpace, .tooManyOpenFiles, .tooManyOpenFilesInSystem]

    static let isLibraryOwn = cfuse_knows_passthrough != 0

    init(isWanted: Bool) { self.isWanted = isWanted }

    /// Why it was given up, if it was.
    public var failure: Errno? { problem.withLock { $0 } }

    /// Whether it is worth a try.
    public var isAvailable: Bool { device.withLock { $0 != nil } && failure == nil }

    /// nil where that cannot be. It is tried again only where the kernel was short of something.
    public func open(_ file: FileDescriptor) -> BackingID? {
        guard isAvailable, let device = device.withLock({ $0 }) else { return nil }
        let backing = cfuse_backing_open(device, file.rawValue)
        guard backing > 0 else {
            let failure = backing == 0 ? .notSupported : Errno(rawValue: errno)
            if !Self.passing.contains(failure) { problem.withLock { $0 = failure } }
            return nil
        }
        isAgreed.store(true, ordering: .releasing)
        return backing
    }

    public func close(_ backing: BackingID) {
        guard let device = device.withLock({ $0 }) else { return }
        _ = cfuse_backing_close(device, UInt32(bitPattern: backing))
    }

    /// Puts us between libfuse and the kernel. After the mount, before the first request.
    func install(in session: OpaquePointer) {
        guard isWanted, geteuid() == 0 else { return }
        if Self.isLibraryOwn {
            device.withLock { $0 = fuse_session_fd(session) }
            return
        }
        var io = fuse_custom_io()
        io.read = { device, buffer, count, _ in Glibc.read(device, buffer, count) }
        io.writev = { device, pieces, count, context in
            guard let context, let pieces, count >= 2 else { return Glibc.writev(device, pieces, count) }
            let passthrough = Unmanaged<OperationsBox>.fromOpaque(context).takeUnretainedValue().passthrough
            guard passthrough.pass(pieces, count) else { return Glibc.writev(device, pieces, count) }
            defer { passthrough.isAgreed.store(true, ordering: .releasing) }
            return Glibc.writev(device, pieces, count)
        }
        let descriptor = fuse_session_fd(session)
        guard fuse_session_custom_io(session, &io, descriptor) == 0 else { return }
        device.withLock { $0 = descriptor }
    }

    /// Where libfuse does it itself: asks for it, as the answer to INIT is made.
    func negotiate(_ connection: UnsafeMutablePointer<fuse_conn_info>) {
        guard isWanted, geteuid() == 0, Self.isLibraryOwn, cfuse_want_passthrough(connection) == 0 else { return }
        problem.withLock { $0 = .notSupported }
    }

    private let hasAnsweredInit = Atomic(false)
    /// The kernel has our reply to INIT.
    private let isAgreed = Atomic(false)

    /// Finds out whether `file`, and those beside it, can be named; for who wants to know before one is opened. False as
    /// long as that cannot be found out.
    public func probe(_ file: FileDescriptor) -> Bool {
        guard isAvailable, isAgreed.load(ordering: .acquiring) else { return !isAvailable }
        if let backing = open(file) { close(backing) }
        return true
    }

    /// The first reply is the one to INIT: says there that files may be named. Whether this was it.
    private func pass(_ pieces: UnsafeMutablePointer<iovec>, _ count: Int32) -> Bool {
        guard !hasAnsweredInit.load(ordering: .relaxed),
            hasAnsweredInit.exchange(true, ordering: .acquiringAndReleasing) == false
        else { return false }
        let answer = pieces[1]
        guard answer.iov_len >= MemoryLayout<cfuse_init_out>.size,
            let reply = answer.iov_base?.assumingMemoryBound(to: cfuse_init_out.self)
        else { return true }
        reply.pointee.flags |= UInt32(cfuse_init_ext)
        reply.pointee.flags2 |= UInt32(cfuse_passthrough_flag2)
        reply.pointee.max_stack_depth = 1
        return true
    }
}
