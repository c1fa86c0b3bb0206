// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// An HTTP server on 127.0.0.1 whose answers a closure makes. It takes one request per connection, each on its own
/// thread.
public final class LittleServer: Sendable {
    public typealias Handler = @Sendable (ServedRequest, ServedConnection) -> Void

    public let port: UInt16
    private let stopping = Atomic(false)
    private let seen = Mutex<[ServedRequest]>([])
    private let acceptor = Mutex<JoinableThread?>(nil)

    /// - Parameters:
    ///   - address: one of 127.0.0.0/8.
    ///   - port: nil for a free one.
    public init(address: String = "127.0.0.1", port wanted: UInt16? = nil, _ handler: @escaping Handler) throws {
        port = try wanted ?? freePort()
        let listener = try LoopbackSocket.listen(port: port, address: address)
        // The thread holds the server weakly, to let it be released.
        let made = try JoinableThread { [weak self] in
            while let server = self, !server.stopping.load(ordering: .relaxed) {
                var polled = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                // A connection that fails before it is accepted is ignored.
                guard poll(&polled, 1, 10) > 0, let client = try? GlibcExtensions.accept(listener) else { continue }
                LoopbackSocket.setTimeout(client, seconds: 10)
                let connection = ServedConnection(socket: client)
                // Without a thread, the client sees a closed connection.
                let thread = try? JoinableThread { [weak server] in
                    defer { close(client) }
                    guard let request = connection.request() else { return }
                    server?.seen.withLock { $0.append(request) }
                    handler(request, connection)
                }
                if thread == nil { close(client) }
            }
            close(listener)
        }
        acceptor.withLock { $0 = made }
    }

    deinit { stopping.store(true, ordering: .relaxed) }

    /// Closes the port. Answers in progress go on.
    public func stop() {
        stopping.store(true, ordering: .relaxed)
        acceptor.withLock { $0 }?.join()
    }

    /// `127.0.0.1:PORT`
    public var host: String { "127.0.0.1:\(port)" }

    /// The requests so far, in the order in which they came.
    public var requests: [ServedRequest] { seen.withLock { $0 } }
    public func resetRequests() { seen.withLock { $0 = [] } }
}

/// A request.
public struct ServedRequest: Sendable {
    public let method: String
    /// The path and the query, as sent.
    public let target: String
    /// Names in lower case.
    public internal(set) var headers: [String: String]
    public let body: String

    public var path: String { String(target.prefix { $0 != "?" }) }
    /// The fields of the query or of a form, still escaped.
    public var fields: [String: String] {
        let text = method == "POST" ? body[...] : target.drop { $0 != "?" }.dropFirst()
        let pairs = text.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1) }
        return Dictionary(
            pairs.map { (String($0[0]), $0.count > 1 ? String($0[1]) : "") }, uniquingKeysWith: { first, _ in first })
    }
    public var authorization: String? { headers["authorization"] }
}
