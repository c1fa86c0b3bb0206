// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import Registry

/// Plain HTTP is tried after TLS, as in skopeo. 0.0.0.0 leads to this machine, and is not a loopback name.
@Suite struct PlainFallbackTests {
    private let filled: FilledRegistry

    init() throws { filled = try FilledRegistry() }

    @Test func onlyWithoutVerification() throws {
        let host = "0.0.0.0:\(filled.registry.port)"
        let error = #expect(throws: SourceError.self) { try filled.source(host: host) { $0.timeout = 1 }.resolve() }
        guard case .unreachable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try filled.registry.requests().allSatisfy { $0.status == 400 })
        let source = try filled.source(host: host) { $0.verifyTLS = false }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
    }

    /// Port 443 is closed; the registry is on port 80.
    @Test(.enabled(if: geteuid() == 0, "only root may listen on port 80"))
    func whereNobodySpeaksTLS() throws {
        let upstream = filled.registry.port
        let server = try LittleServer(address: "127.0.0.77", port: 80) { $1.forward($0, to: upstream) }
        let source = try filled.source(host: "127.0.0.77") { $0.verifyTLS = false }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        #expect(server.requests.count == 1)
    }

    /// A TLS port that breaks one handshake is not taken for one with plain HTTP.
    @Test func aHandshakeThatBreaks() throws {
        let filled = try FilledRegistry(tls: true)
        let proxy = try FaultProxy(upstreamPort: filled.registry.port)
        proxy.cutAfter = 100
        let source = try filled.source(host: proxy.host) { $0.verifyTLS = false }
        let later = try Later(seconds: 0.5) { proxy.cutAfter = nil }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        later.join()
    }
}
