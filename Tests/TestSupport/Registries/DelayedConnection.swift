// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One connection through a ``DelayProxy``, served by one thread.
struct DelayedConnection {
    /// Bytes in flight from one socket to the other.
    private struct Way {
        let from: Int32
        let to: Int32
        var pieces: [(due: Double, bytes: [UInt8])] = []
        /// Bytes of the first piece that have arrived.
        var arrived = 0
        var count = 0
        var hasEnded = false
        var isOver = false
        /// Whether the receiver currently accepts no more bytes.
        var isBlocked = false
    }

    /// The limit of a connection's bytes in flight. Without a rate limit, they would otherwise come as fast as memory
    /// allows.
    private static let most = 16 << 20
    private let line: DelayProxy.Line
    private var up: Way
    private var down: Way
    private var isNew = true
    private var piece = [UInt8](repeating: 0, count: 1 << 17)

    /// Serves the connection to its end, and closes `client`.
    static func run(_ client: Int32, upstreamPort: UInt16, _ line: DelayProxy.Line) {
        defer { close(client) }
        // The client sees a closed connection.
        guard let upstream = try? LoopbackSocket.connect(port: upstreamPort) else { return }
        defer { close(upstream) }
        var connection = DelayedConnection(client: client, upstream: upstream, line)
        while !line.isClosed, connection.step() {}
    }

    private init(client: Int32, upstream: Int32, _ line: DelayProxy.Line) {
        self.line = line
        up = Way(from: client, to: upstream)
        down = Way(from: upstream, to: client)
    }

    /// - Returns: false at the end.
    private mutating func step() -> Bool {
        let now = monotonicSeconds()
        guard Self.deliver(&up, now), Self.deliver(&down, now) else { return false }
        if up.isOver && down.isOver { return false }
        var polled = [Self.wish(up, mayRead: true), Self.wish(down, mayRead: line.isReady)]
        polled += [up, down].map { pollfd(fd: $0.isBlocked ? $0.to : -1, events: Int16(POLLOUT), revents: 0) }
        let next = [up, down].filter { !$0.isBlocked }.compactMap { $0.pieces.first?.due }.min() ?? now + 1
        let wait = line.isReady ? min(20, max(0, ((next - now) * 1000).rounded(.up))) : 1
        poll(&polled, nfds_t(polled.count), Int32(wait))
        if polled[0].revents != 0 {
            guard let count = receive(\.up) else { return false }
            let handshake = isNew ? line.roundTrip : 0
            if count > 0 { isNew = false }
            add(count, \.up, due: monotonicSeconds() + handshake + line.roundTrip / 2)
        }
        if polled[1].revents != 0 {
            guard let count = receive(\.down) else { return false }
            add(count, \.down, due: line.send(count) + line.roundTrip / 2)
        }
        return true
    }

    private static func wish(_ way: Way, mayRead: Bool) -> pollfd {
        let isReading = mayRead && !way.hasEnded && way.count < most
        return pollfd(fd: isReading ? way.from : -1, events: Int16(POLLIN), revents: 0)
    }

    /// Delivers the bytes that have arrived. Returns false if the receiver is gone.
    private static func deliver(_ way: inout Way, _ now: Double) -> Bool {
        way.isBlocked = false
        var done = 0
        defer { way.pieces.removeFirst(done) }
        for (due, bytes) in way.pieces {
            guard due <= now else { return true }
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            let sent = bytes.withUnsafeBytes {
                send(way.to, $0.baseAddress?.advanced(by: way.arrived), $0.count - way.arrived, flags)
            }
            guard sent >= 0 || errno == EAGAIN || errno == EINTR else { return false }
            way.arrived += max(0, sent)
            way.count -= max(0, sent)
            guard way.arrived == bytes.count else {
                way.isBlocked = true
                return true
            }
            way.arrived = 0
            done += 1
        }
        if way.hasEnded, !way.isOver {
            shutdown(way.to, Int32(SHUT_WR))
            way.isOver = true
        }
        return true
    }

    /// - Returns: the number of bytes read into `piece`; nil for a broken connection.
    private mutating func receive(_ way: WritableKeyPath<Self, Way>) -> Int? {
        let count = recv(self[keyPath: way].from, &piece, piece.count, Int32(MSG_DONTWAIT))
        if count == 0 { self[keyPath: way].hasEnded = true }
        return count >= 0 ? count : errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    private mutating func add(_ count: Int, _ way: WritableKeyPath<Self, Way>, due: Double) {
        guard count > 0 else { return }
        self[keyPath: way].pieces.append((due, Array(piece[0..<count])))
        self[keyPath: way].count += count
    }
}
