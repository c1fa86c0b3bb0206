// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Blobs on another server than the registry, on another port of the same address.
@Suite final class RedirectTests {
    private let network: ContentNetwork
    private let server: TokenServer
    private let registry: DockerRegistry
    private let source: any ArtifactSource
    private let range: ByteRange

    init() throws {
        let filled = try FilledRegistry()
        let network = try ContentNetwork(of: filled.registry)
        server = try TokenServer(before: filled.registry) { $0.blobs = network.url }
        self.network = network
        source = try filled.source(host: server.host)
        range = try #require(ByteRange(start: 1_000_000, count: 5_000))
        registry = filled.registry
    }

    private var asked: Int { server.requests.filter { $0.path.contains("/blobs/") }.count }

    private func expectRange() throws {
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob, range) == Array(bytes[1_000_000..<1_005_000]))
    }

    @Test func theRegistryIsAskedOnce() throws {
        try expectRange()
        // One request without a token, one with it.
        #expect(asked == 2)
        for _ in 0..<3 { try expectRange() }
        #expect(asked == 2)
        #expect(network.requests.count == 4)
        #expect(
            network.requests.allSatisfy { $0.authorization == nil && $0.headers["range"] == "bytes=1000000-1004999" })
    }

    @Test func anExpiredAddressIsRenewed() throws {
        try expectRange()
        network.expire()
        server.change { [network] in $0.blobs = network.url }
        try expectRange()
        #expect(asked == 3)
        #expect(network.requests.map { $0.path.contains("/signed-2/") } == [false, false, true])
        #expect(network.requests.allSatisfy { $0.authorization == nil })
        try expectRange()
        #expect(asked == 3)
    }

    /// A redirect is forgotten when its server is gone.
    @Test func aServerThatIsGone() throws {
        let gone = try ContentNetwork(of: registry)
        server.change { $0.blobs = gone.url }
        try expectRange()
        gone.stop()
        server.change { [network] in $0.blobs = network.url }
        try expectRange()
        #expect(asked == 3)
        #expect(network.requests.count == 1)
    }
}
