// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A TCP proxy in front of a server on 127.0.0.1 that makes the network slow, silent or broken on demand. It does not
/// interpret the bytes, so TLS passes through.
///
/// All settings may change at any time, also for open connections. Bytes that a client's kernel has already received
/// cannot be held back.
public final class FaultProxy: Sendable {
    /// The port on 127.0.0.1 that clients connect to.
    public let port: UInt16
    private let state = ProxyState()
    private let acceptor: JoinableThread

    public init(upstreamPort: UInt16) throws {
        port = try freePort()
        let listener = try LoopbackSocket.listen(port: port)
        acceptor = try JoinableThread { [state] in Self.accept(listener, state, upstreamPort) }
    }

    deinit {
        stop()
    }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }

    /// The rate of all connections together towards the clients; nil for no limit. Pieces are at most 16 KiB, or what
    /// 20 ms allow.
    public var bytesPerSecond: Int? {
        get { state.settings.bytesPerSecond }
        set { state.change { $0.bytesPerSecond = newValue } }
    }

    /// The number of bytes to the client after which a connection is reset; nil for never. A connection that is already
    /// beyond is reset at once. The client can still read exactly those bytes before the error.
    public var cutAfter: Int? {
        get { state.settings.cutAfter }
        set { state.change { $0.cutAfter = newValue } }
    }

    /// Whether all bytes towards the clients are held back. The connections stay open.
    public var stalled: Bool {
        get { state.settings.stalled }
        set { state.change { $0.stalled = newValue } }
    }

    /// Whether new connections are closed as soon as they are accepted.
    public var refusing: Bool {
        get { state.settings.refusing }
        set { state.change { $0.refusing = newValue } }
    }

    /// Bytes sent to clients since the start.
    public var downstreamBytes: Int { state.downstreamBytes }

    /// Connections accepted since the start, including refused ones.
    public var connections: Int { state.connections }

    /// The number of open connections.
    public var openConnections: Int { state.live }

    /// Closes all connections and the port. When it returns, no thread of the proxy is left, unless one hangs in the
    /// kernel for more than 10 s. A second call does nothing.
    public func stop() {
        state.change { $0.stopping = true }
        acceptor.join()
        // A thread that hangs in the kernel is left behind.
        try? eventually(within: 10, "the proxy's connections end") { state.live == 0 }
    }

    private static func accept(_ listener: Int32, _ state: ProxyState, _ upstreamPort: UInt16) {
        defer { close(listener) }
        while !state.settings.stopping {
            var polled = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, ProxyState.tick) > 0 else { continue }
            // A connection that fails before it is accepted is ignored.
            guard let client = try? GlibcExtensions.accept(listener) else { continue }
            state.opened()
            if state.settings.refusing {
                close(client)
                state.closed()
                continue
            }
            // Without a thread, the client sees a closed connection.
            let thread = try? JoinableThread {
                ProxyConnection.run(client: client, upstreamPort: upstreamPort, state)
                state.closed()
            }
            if thread == nil {
                close(client)
                state.closed()
            }
        }
    }
}
