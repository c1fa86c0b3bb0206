// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Where a registry sends its clients for blobs: another server, whose addresses are signed and expire.
public final class ContentNetwork: Sendable {
    private let server: LittleServer
    private let generation: Generation

    private final class Generation: Sendable {
        let number = Atomic(1)
        var current: Int { number.load(ordering: .relaxed) }
    }

    /// - Parameter registry: whose blobs there are; without TLS or a password.
    public init(of registry: DockerRegistry) throws {
        let generation = Generation()
        let upstream = registry.port
        server = try LittleServer { request, connection in
            let prefix = "/signed-\(generation.current)"
            guard request.target.hasPrefix(prefix + "/") else {
                return connection.send(status: 403, body: "Request has expired")
            }
            // As S3 does with a request that is authorised in two ways.
            guard request.authorization == nil else { return connection.send(status: 400, body: "two authorizations") }
            connection.forward(request, to: upstream, as: String(request.target.dropFirst(prefix.count)))
        }
        self.generation = generation
    }

    /// Refuses all addresses given so far. The registry has to be told the new ``url``.
    public func expire() { generation.number.add(1, ordering: .relaxed) }

    /// What addresses given now begin with.
    public var url: String { "http://\(server.host)/signed-\(generation.current)" }
    public var requests: [ServedRequest] { server.requests }
    public func stop() { server.stop() }
    public func resetRequests() { server.resetRequests() }
}
