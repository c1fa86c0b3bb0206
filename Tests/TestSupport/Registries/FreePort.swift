// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A TCP port on 127.0.0.1 on which nobody listens. No other caller gets it, in this process or in another that runs
/// tests at the same time.
///
/// Another program can still take the port before the caller listens, if it asks for that number. The ports are below
/// those that the kernel gives to outgoing connections (32768 and up).
public func freePort() throws -> UInt16 {
    try ports.withLock { try $0.next() }
}

private let ports = Mutex(ClaimedPorts())

/// The ports that this process has claimed in blocks and not given away yet.
private struct ClaimedPorts {
    private static let all: Range<UInt16> = 20_000..<32_000
    private static let blockLength: UInt16 = 100
    private var left: Range<UInt16> = 0..<0

    mutating func next() throws -> UInt16 {
        while true {
            guard let port = left.popFirst() else {
                left = try Self.claim()
                continue
            }
            // A port in use is skipped.
            if let listener = try? LoopbackSocket.listen(port: port) {
                close(listener)
                return port
            }
        }
    }

    /// Claims a block of ports until the process ends.
    private static func claim() throws -> Range<UInt16> {
        for start in stride(from: all.lowerBound, to: all.upperBound, by: Int(blockLength)) where try mark(start) {
            return start..<start + blockLength
        }
        throw TestSupportError("no free TCP port on 127.0.0.1 from \(all.lowerBound) to \(all.upperBound - 1)")
    }

    /// Binds an abstract address (unix(7)), which only one socket in a network namespace can have. It is released with
    /// the process, however that ends. Returns false if another process has it.
    private static func mark(_ start: UInt16) throws -> Bool {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = try systemCall("socket") { Glibc.socket(AF_UNIX, type, 0) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = [0] + Array("kitfs test ports \(start)".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
        }
        if result != 0 { close(socket) }
        return result == 0
    }
}
