// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A proxy for HTTPS that opens tunnels (CONNECT). All of them lead to one port on 127.0.0.1, whatever the name.
public final class ConnectProxy: Sendable {
    private let server: LittleServer

    /// - Parameter credentials: required of clients; nil for none.
    public init(to port: UInt16, credentials: DockerRegistry.Credentials? = nil) throws {
        let expected = credentials.map { "Basic " + Base64.encode("\($0.user):\($0.password)") }
        if let credentials { Secrets.add(credentials.password, of: credentials.user) }
        server = try LittleServer { request, connection in
            guard request.method == "CONNECT" else { return connection.send(status: 405) }
            guard expected == nil || request.headers["proxy-authorization"] == expected else {
                return connection.send(status: 407, headers: ["Proxy-Authenticate": "Basic realm=\"kitfs-test\""])
            }
            connection.tunnel(to: port)
        }
    }

    /// `127.0.0.1:PORT`
    public var host: String { server.host }
    /// The names of the requested tunnels, `HOST:PORT`.
    public var targets: [String] { server.requests.map(\.target) }
    public var requests: [ServedRequest] { server.requests }
    public func resetRequests() { server.resetRequests() }
}

extension ServedConnection {
    /// Passes bytes between the client and a server on 127.0.0.1, until one of them ends the connection.
    func tunnel(to port: UInt16) {
        let own = dup(socket)
        // The client may have gone away.
        guard own >= 0, (try? writeAll(own, Array("HTTP/1.1 200 Established\r\n\r\n".utf8))) != nil else { return }
        ProxyConnection.run(client: own, upstreamPort: port, ProxyState())
    }
}
