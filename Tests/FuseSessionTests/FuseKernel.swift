// SPDX-License-Identifier: Apache-2.0
import CFuse
import Glibc
import Threading

@testable import FuseSession

/// The kernel's side of a session, spoken by the test over a socket that keeps messages whole. No mount is made, and no
/// privilege is needed. Protocol: fuse(4) and include/uapi/linux/fuse.h of Linux.
final class FuseKernel {
    struct Reply: Equatable {
        /// An errno, negative; 0 for success.
        let error: Int32
        let body: [UInt8]
    }

    private struct Failure: Error { let text: String }

    let session: FuseSession
    private let socket: Int32
    private var lastUnique: UInt64 = 0
    private let hasEnded = Monitor(false)

    /// Starts the session, and agrees with it on the protocol.
    init(_ operations: any FuseOperations) throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Failure(text: "socketpair: \(errno)") }
        socket = ends[0]
        // A session that does not answer fails the test rather than hang it.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        session = try FuseSession(operations, FuseMountOptions(source: "test", subtype: "kitfs"))
        try session.mount(on: "/dev/fd/\(ends[1])")
        BackgroundThread.start { [session, hasEnded] in
            // The session sees that its kernel has gone, which is an error of reading.
            try? session.run()
            hasEnded.update { $0 = true }
        }
        var asked = fuse_init_in()
        asked.major = UInt32(FUSE_KERNEL_VERSION)
        asked.minor = 31
        asked.max_readahead = 65536
        guard try ask(FUSE_INIT, 0, bytes(of: asked)).error == 0 else { throw Failure(text: "no agreement") }
    }

    deinit {
        close(socket)
        hasEnded.wait { $0 ? () : nil }
    }

    /// Sends a request and returns its number.
    @discardableResult
    func send(_ operation: fuse_opcode, _ inode: UInt64, _ body: [UInt8]) throws -> UInt64 {
        lastUnique += 1
        var header = fuse_in_header()
        header.len = UInt32(MemoryLayout<fuse_in_header>.size + body.count)
        header.opcode = operation.rawValue
        header.unique = lastUnique
        header.nodeid = inode
        header.pid = UInt32(getpid())
        let message = bytes(of: header) + body
        guard Glibc.send(socket, message, message.count, 0) == message.count else {
            throw Failure(text: "send: \(errno)")
        }
        return lastUnique
    }

    /// The next answer, and whose it is.
    func receive() throws -> (unique: UInt64, reply: Reply) {
        var message = [UInt8](repeating: 0, count: 1 << 20)
        let count = recv(socket, &message, message.count, 0)
        let size = MemoryLayout<fuse_out_header>.size
        guard count >= size else { throw Failure(text: "no answer: \(count), \(errno)") }
        let header = message.withUnsafeBytes { $0.loadUnaligned(as: fuse_out_header.self) }
        return (header.unique, Reply(error: header.error, body: Array(message[size..<count])))
    }

    /// Sends a request and waits for its answer.
    func ask(_ operation: fuse_opcode, _ inode: UInt64, _ body: [UInt8]) throws -> Reply {
        let unique = try send(operation, inode, body)
        let (answered, reply) = try receive()
        guard answered == unique else { throw Failure(text: "\(answered) was answered, not \(unique)") }
        return reply
    }

    /// `offset` as the protocol has it: two's complement.
    func read(_ operation: fuse_opcode, offset: Int64, size: UInt32 = 4096) throws -> Reply {
        try ask(operation, 2, Self.reading(offset: offset, size: size))
    }

    static func reading(offset: Int64, size: UInt32) -> [UInt8] {
        var read = fuse_read_in()
        read.fh = 7
        read.offset = UInt64(bitPattern: offset)
        read.size = size
        return bytes(of: read)
    }

    func interrupt(_ unique: UInt64) throws {
        try send(FUSE_INTERRUPT, 0, bytes(of: fuse_interrupt_in(unique: unique)))
    }
}

func bytes<Value>(of value: Value) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
