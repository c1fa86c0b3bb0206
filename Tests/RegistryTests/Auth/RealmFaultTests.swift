// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Transient failures of a realm are retried as those of a registry.
@Suite struct RealmFaultTests {
    private let filled: FilledRegistry

    init() throws { filled = try FilledRegistry() }

    private func server(_ failures: [TokenServer.Failure]) throws -> TokenServer {
        try TokenServer(before: filled.registry) { $0.failures = failures }
    }

    @Test(arguments: [
        [TokenServer.Failure.status(503)], [.status(429), .status(500), .status(502)], [.cut, .cut],
        [.cut, .status(503)],
    ]) func isAskedAgain(_ failures: [TokenServer.Failure]) throws {
        let server = try server(failures)
        #expect(try filled.source(host: server.host).resolve().digest.hex == FilledRegistry.manifestHex)
        #expect(server.tokenRequests.count == failures.count + 1)
    }

    @Test(arguments: [429, 503]) func itsRetryAfterIsKept(_ status: Int) throws {
        let server = try server([.status(status, retryAfter: 2)])
        let source = try filled.source(host: server.host)
        let start = monotonicSeconds()
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        #expect((2...3.5).contains(monotonicSeconds() - start))
        #expect(server.tokenRequests.count == 2)
    }

    /// Also after the start, as in a long mount.
    @Test func whenATokenIsRenewed() throws {
        let server = try server([])
        let source = try filled.source(host: server.host)
        _ = try source.resolve()
        server.change { $0.failures = [.status(503), .cut] }
        server.expireTokens()
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
        #expect(server.tokenRequests.count == 4)
    }

    @Test(arguments: [TokenServer.Failure.status(429, retryAfter: 3_600), .status(503), .cut])
    func timeoutEnds(_ failure: TokenServer.Failure) throws {
        let server = try server(Array(repeating: failure, count: 100))
        let source = try filled.source(host: server.host) { $0.timeout = 2 }
        let start = monotonicSeconds()
        let error = #expect(throws: SourceError.self) { try source.resolve() }
        guard case .unreachable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(server.host) && reason.contains("given up"), "\(reason)")
        #expect(monotonicSeconds() - start < 3)
    }
}
