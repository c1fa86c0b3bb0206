// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Blocking TCP sockets on 127.0.0.1 or another address of this machine, opened close-on-exec. The caller closes them.
enum LoopbackSocket {
    static func listen(port: UInt16, address: String = "127.0.0.1") throws -> Int32 {
        let socket = try make()
        do {
            var yes: Int32 = 1
            // Allows a port whose old connections are still in TIME_WAIT, but not one with a listener.
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            try withAddress(address, port: port) { pointer, length in
                try systemCall("bind \(address):\(port)") { Glibc.bind(socket, pointer, length) }
            }
            try systemCall("listen on \(address):\(port)") { Glibc.listen(socket, 128) }
            return socket
        } catch {
            close(socket)
            throw error
        }
    }

    static func connect(port: UInt16) throws -> Int32 {
        let socket = try make()
        do {
            try withAddress("127.0.0.1", port: port) { address, length in
                try systemCall("connect to 127.0.0.1:\(port)") { Glibc.connect(socket, address, length) }
            }
            var yes: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            return socket
        } catch {
            close(socket)
            throw error
        }
    }

    /// Makes the next close(2) send a reset instead of an orderly end.
    static func resetOnClose(_ socket: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Bytes that the kernel holds and the peer has not acknowledged.
    static func unsentBytes(_ socket: Int32) -> Int {
        var count: Int32 = 0
        return ioctl(socket, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
    }

    /// Limits how long one recv(2) or send(2) may block.
    static func setTimeout(_ socket: Int32, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    private static func make() throws -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        return try systemCall("socket") { Glibc.socket(AF_INET, type, 0) }
    }

    private static func withAddress(
        _ text: String, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
    ) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: inet_addr(text))
        try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
