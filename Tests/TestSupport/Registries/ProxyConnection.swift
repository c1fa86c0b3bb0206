// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One connection through a ``FaultProxy``, served by one thread.
struct ProxyConnection {
    private let client: Int32
    private let upstream: Int32
    private let state: ProxyState
    /// Bytes from upstream that are not delivered yet. It is refilled only when empty, so a held connection holds
    /// little.
    private var down: ArraySlice<UInt8> = []
    /// Bytes from the client that are not passed on yet. It is refilled only when empty.
    private var up: ArraySlice<UInt8> = []
    private var delivered = 0
    /// Under a rate limit, the time from which `down` may be delivered, in ``monotonicSeconds()``.
    private var deliverAt = 0.0
    private var clientEnded = false
    private var upstreamEnded = false

    private enum Outcome { case open, closed, reset }

    /// Serves the connection to its end, and closes `client`.
    static func run(client: Int32, upstreamPort: UInt16, _ state: ProxyState) {
        defer { close(client) }
        // The client sees a closed connection.
        guard let upstream = try? LoopbackSocket.connect(port: upstreamPort) else {
            return LoopbackSocket.resetOnClose(client)
        }
        defer { close(upstream) }
        var yes: Int32 = 1
        setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        var connection = ProxyConnection(client: client, upstream: upstream, state: state)
        while true {
            switch connection.step() {
            case .open: continue
            case .closed: return
            case .reset: return LoopbackSocket.resetOnClose(client)
            }
        }
    }

    private init(client: Int32, upstream: Int32, state: ProxyState) {
        (self.client, self.upstream, self.state) = (client, upstream, state)
    }

    private mutating func step() -> Outcome {
        let settings = state.settings
        if settings.stopping { return .reset }
        if let cut = settings.cutAfter, delivered >= cut {
            // A reset discards bytes in flight, and the client is to get all bytes before the cut. A client that is too
            // slow gets fewer bytes.
            try? eventually(within: 1, "the client's kernel has all bytes") { LoopbackSocket.unsentBytes(client) == 0 }
            return .reset
        }
        if clientEnded && upstreamEnded && down.isEmpty && up.isEmpty { return .closed }

        var wait = Double(ProxyState.tick) / 1_000
        var isHeld = settings.stalled
        if settings.bytesPerSecond != nil, !down.isEmpty {
            let left = deliverAt - monotonicSeconds()
            if left > 0 {
                isHeld = true
                wait = min(wait, left)
            }
        }
        var polled = [
            wanted(client, read: up.isEmpty && !clientEnded, write: !down.isEmpty && !isHeld),
            wanted(upstream, read: down.isEmpty && !upstreamEnded && !isHeld, write: !up.isEmpty),
        ]
        poll(&polled, 2, Int32((wait * 1_000).rounded(.up)))
        if polled[1].revents != 0, let outcome = serveUpstream(settings) { return outcome }
        if polled[0].revents != 0, let outcome = serveClient(settings, isHeld: isHeld) { return outcome }
        return .open
    }

    private func wanted(_ socket: Int32, read: Bool, write: Bool) -> pollfd {
        let events = Int16((read ? POLLIN : 0) | (write ? POLLOUT : 0))
        // With no events at all, poll would still report a hang-up, again and again.
        return pollfd(fd: events == 0 ? -1 : socket, events: events, revents: 0)
    }

    /// - Returns: nil to go on.
    private mutating func serveUpstream(_ settings: ProxyState.Settings) -> Outcome? {
        if !up.isEmpty, !send(&up, to: upstream, limit: up.count).isAlive { return .reset }
        if up.isEmpty && clientEnded { shutdown(upstream, Int32(SHUT_WR)) }
        guard down.isEmpty, !upstreamEnded, !settings.stalled else { return nil }
        let rate = settings.bytesPerSecond
        let piece = rate.map { max(1, min(1 << 14, $0 * Int(ProxyState.tick) / 1_000)) } ?? 1 << 14
        switch receive(from: upstream, limit: piece) {
        case .bytes(let bytes):
            down = bytes[...]
            if let rate { deliverAt = state.book(bytes.count, at: rate) }
        case .end:
            upstreamEnded = true
            shutdown(client, Int32(SHUT_WR))
        case .failure:
            return .reset
        case .nothing:
            break
        }
        return nil
    }

    /// - Returns: nil to go on.
    private mutating func serveClient(_ settings: ProxyState.Settings, isHeld: Bool) -> Outcome? {
        if !down.isEmpty, !isHeld {
            let limit = settings.cutAfter.map { $0 - delivered } ?? down.count
            let (count, isAlive) = send(&down, to: client, limit: min(limit, down.count))
            delivered += count
            state.delivered(count)
            if !isAlive { return .closed }
        }
        guard up.isEmpty, !clientEnded else { return nil }
        switch receive(from: client, limit: 1 << 16) {
        case .bytes(let bytes):
            up = bytes[...]
        case .end:
            clientEnded = true
            shutdown(upstream, Int32(SHUT_WR))
        case .failure:
            return .closed
        case .nothing:
            break
        }
        return nil
    }

    private enum Received { case bytes([UInt8]), end, failure, nothing }

    private func receive(from socket: Int32, limit: Int) -> Received {
        var piece = [UInt8](repeating: 0, count: limit)
        let count = recv(socket, &piece, limit, Int32(MSG_DONTWAIT))
        if count > 0 { return .bytes(Array(piece[0..<count])) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .nothing : .failure
    }

    private func send(_ bytes: inout ArraySlice<UInt8>, to socket: Int32, limit: Int) -> (count: Int, isAlive: Bool) {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let count = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, limit, flags) }
        guard count >= 0 else { return (0, errno == EAGAIN || errno == EINTR) }
        bytes = bytes.dropFirst(count)
        return (count, true)
    }
}
