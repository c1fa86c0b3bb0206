// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Ports below the kernel's ephemeral range (32768 and up), so that no outgoing connection can take a port between
/// this function's answer and the moment its caller listens on it. A port is handed out once per process, which keeps
/// tests that run in parallel apart; other processes start at another random place.
private let nextPort = Mutex<UInt16>(UInt16.random(in: 20_000...31_999))

/// A TCP port on 127.0.0.1 on which nobody listens.
///
/// The port is not reserved: another process may still take it, so a caller that can should try again with a new one.
public func freePort() throws -> UInt16 {
    for _ in 0..<1_000 {
        let port = nextPort.withLock { next in
            defer { next = next >= 31_999 ? 20_000 : next + 1 }
            return next
        }
        guard let listener = try? LoopbackSocket.listen(port: port) else { continue }
        close(listener)
        return port
    }
    throw TestSupportError("no free TCP port on 127.0.0.1 between 20000 and 31999")
}
