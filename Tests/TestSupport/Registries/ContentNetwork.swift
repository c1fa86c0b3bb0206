// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A server that a registry redirects to for blobs. Its URLs are signed and expire.
public final class ContentNetwork: Sendable {
    private let server: LittleServer
    private let generation: Generation

    private final class Generation: Sendable {
        let number = Atomic(1)
        var current: Int { number.load(ordering: .relaxed) }
    }

    /// - Parameter registry: the registry that has the blobs, without TLS or a password.
    public init(of registry: DockerRegistry) throws {
        let generation = Generation()
        let upstream = registry.port
        server = try LittleServer { request, connection in
            let prefix = "/signed-\(generation.current)"
            guard request.target.hasPrefix(prefix + "/") else {
                return connection.send(status: 403, body: "Request has expired")
            }
            // S3 answers so to a request with two authorizations.
            guard request.authorization == nil else { return connection.send(status: 400, body: "two authorizations") }
            connection.forward(request, to: upstream, as: String(request.target.dropFirst(prefix.count)))
        }
        self.generation = generation
    }

    /// Expires all URLs given so far. The registry must be given the new ``url``.
    public func expire() { generation.number.add(1, ordering: .relaxed) }

    /// The prefix of the URLs that are currently valid.
    public var url: String { "http://\(server.host)/signed-\(generation.current)" }
    public var requests: [ServedRequest] { server.requests }
    public func stop() { server.stop() }
    public func resetRequests() { server.resetRequests() }
}
