// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

@testable import TestSupport

/// Answers each connection: it reads four bytes, sends them back with `payload`, and closes.
final class ByteServer: Sendable {
    let port: UInt16
    private let stopping = Atomic(false)
    private let thread = Mutex<JoinableThread?>(nil)

    init(payload: [UInt8]) throws {
        port = try freePort()
        let listener = try LoopbackSocket.listen(port: port)
        let made = try JoinableThread { [self] in
            while !stopping.load(ordering: .relaxed) {
                var polled = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                guard poll(&polled, 1, 10) > 0, let client = try? GlibcExtensions.accept(listener) else { continue }
                _ = try? JoinableThread { Self.answer(client, payload) }
            }
            close(listener)
        }
        thread.withLock { $0 = made }
    }

    func stop() {
        stopping.store(true, ordering: .relaxed)
        thread.withLock { $0 }?.join()
    }

    private static func answer(_ client: Int32, _ payload: [UInt8]) {
        defer { close(client) }
        var question = [UInt8](repeating: 0, count: 4)
        guard recv(client, &question, 4, Int32(MSG_WAITALL)) == 4 else { return }
        let all = question + payload
        var sent = 0
        while sent < all.count {
            let count = all.withUnsafeBytes {
                send(client, $0.baseAddress?.advanced(by: sent), all.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }
}

/// The bytes that a client received, and how its connection ended.
struct Download {
    var bytes: [UInt8] = []
    /// 0 for an orderly end, else the errno of recv(2).
    var error: Int32 = 0
    var seconds = 0.0

    /// - Parameter limit: seconds without a byte after which recv(2) gives up (EAGAIN).
    init(port: UInt16, limit: Int = 20) throws {
        let start = monotonicSeconds()
        let socket = try LoopbackSocket.connect(port: port)
        defer { close(socket) }
        LoopbackSocket.setTimeout(socket, seconds: limit)
        send(socket, Array("ping".utf8), 4, Int32(MSG_NOSIGNAL))
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(socket, &piece, piece.count, 0)
            if count <= 0 {
                error = count == 0 ? 0 : errno
                break
            }
            bytes += piece[0..<count]
        }
        seconds = monotonicSeconds() - start
    }
}
