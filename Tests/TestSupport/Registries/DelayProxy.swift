// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Simulates a distant server: a TCP proxy in front of a server on 127.0.0.1 that delays bytes, and can limit the rate
/// towards the clients. Unlike a real line, it has no window that limits bytes in flight. As on a real line, a
/// handshake takes another round trip.
public final class DelayProxy: Sendable {
    /// The port on 127.0.0.1 that clients connect to.
    public let port: UInt16
    private let line: Line
    private let acceptor: JoinableThread

    /// - Parameters:
    ///   - roundTrip: in seconds.
    ///   - bytesPerSecond: of all connections together; nil for no limit.
    public init(upstreamPort: UInt16, roundTrip: Double, bytesPerSecond: Int? = nil) throws {
        let line = Line(roundTrip: roundTrip, bytesPerSecond: bytesPerSecond)
        let port = try freePort()
        let listener = try LoopbackSocket.listen(port: port)
        acceptor = try JoinableThread {
            defer { close(listener) }
            while !line.isClosed {
                var polled = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                // A connection that fails before it is accepted is ignored.
                guard poll(&polled, 1, 20) > 0, let client = try? GlibcExtensions.accept(listener) else { continue }
                // Without a thread, the client sees a closed connection.
                let thread = try? JoinableThread { DelayedConnection.run(client, upstreamPort: upstreamPort, line) }
                if thread == nil { close(client) }
            }
        }
        (self.port, self.line) = (port, line)
    }

    deinit { stop() }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }

    /// Closes the port and, soon after, all connections.
    public func stop() {
        line.close()
        acceptor.join()
    }

    /// The state that all connections of a proxy share.
    final class Line: Sendable {
        let roundTrip: Double
        private let bytesPerSecond: Double?
        private let closed = Atomic(false)
        /// The time at which all bytes so far have left the sender, in ``monotonicSeconds()``.
        private let freeAt = Mutex(0.0)

        init(roundTrip: Double, bytesPerSecond: Int?) {
            self.roundTrip = roundTrip
            self.bytesPerSecond = bytesPerSecond.map { Double($0) }
        }

        var isClosed: Bool { closed.load(ordering: .relaxed) }
        func close() { closed.store(true, ordering: .relaxed) }

        /// Whether more bytes may be sent. Like a router, the line queues 20 ms.
        var isReady: Bool {
            bytesPerSecond == nil || freeAt.withLock { $0 } < monotonicSeconds() + 0.02
        }

        /// - Returns: the time at which the last of `count` bytes leaves the sender.
        func send(_ count: Int) -> Double {
            let now = monotonicSeconds()
            guard let bytesPerSecond else { return now }
            return freeAt.withLock { freeAt in
                freeAt = max(freeAt, now) + Double(count) / bytesPerSecond
                return freeAt
            }
        }
    }
}
