// SPDX-License-Identifier: Apache-2.0
internal import CFuse
private import Glibc
public import SystemPackage
private import Synchronization

/// FUSE passthrough: the kernel reads an open file from a backing file, at that file's speed and through its page
/// cache.
///
/// It needs CAP_SYS_ADMIN in the first namespace, Linux 6.9, and a file on a file system that is not stacked. libfuse knows
/// of it since 3.17; with an older one, the reply to INIT is changed on its way out, and the reply to an open is made by
/// hand. See Documentation/filesystems/fuse/fuse-passthrough.rst of Linux.
public final class Passthrough: Sendable {
    /// The kernel's number of a backing file, until it is closed.
    public typealias BackingID = Int32

    private let device = Mutex<Int32?>(nil)
    private let problem = Mutex<Errno?>(nil)
    /// Whether it was asked for.
    public let isWanted: Bool

    private static let passing: Set<Errno> = [.noMemory, .noSpace, .tooManyOpenFiles, .tooManyOpenFilesInSystem]

    static let isLibraryOwn = cfuse_knows_passthrough != 0

    init(isWanted: Bool) { self.isWanted = isWanted }

    /// The error for which it was given up; nil if it was not.
    public var failure: Errno? { problem.withLock { $0 } }

    /// Whether it is worth trying.
    public var isAvailable: Bool { device.withLock { $0 != nil } && failure == nil }

    /// Returns nil if the kernel refuses. It is tried again only after transient errors.
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

    /// Installs our read and write functions in libfuse. To be called after the mount and before the first request.
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

    /// Requests passthrough of libfuse 3.17 and newer while INIT is answered.
    func negotiate(_ connection: UnsafeMutablePointer<fuse_conn_info>) {
        guard isWanted, geteuid() == 0, Self.isLibraryOwn, cfuse_want_passthrough(connection) == 0 else { return }
        problem.withLock { $0 = .notSupported }
    }

    private let hasAnsweredInit = Atomic(false)
    /// Whether the kernel has the reply to INIT.
    private let isAgreed = Atomic(false)

    /// Finds out whether files on the file system of `file` can be passed through. Returns false while that cannot be
    /// found out.
    public func probe(_ file: FileDescriptor) -> Bool {
        guard isAvailable, isAgreed.load(ordering: .acquiring) else { return !isAvailable }
        if let backing = open(file) { close(backing) }
        return true
    }

    /// Adds passthrough to the reply to INIT, which is the first reply. Returns whether this was it.
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
