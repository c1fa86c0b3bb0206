// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite final class RegistryTLSTests {
    private let filled: FilledRegistry
    init() throws { filled = try FilledRegistry(tls: true) }

    @Test func withItsAuthority() throws {
        let (blob, bytes) = try FilledRegistry.model()
        let source = try filled.source { [filled] in $0.caFile = filled.registry.caFile }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        #expect(try source.bytes(blob) == bytes)
    }

    @Test func withoutItNothingIsAsked() throws {
        let start = monotonicSeconds()
        let error = #expect(throws: SourceError.self) { try filled.source().resolve() }
        guard case .unreachable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("certificate"))
        // A retry would fail in the same way.
        #expect(monotonicSeconds() - start < 1)
        #expect(try filled.registry.requests().isEmpty)
    }

    @Test func anAuthorityFileThatIsNone() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path + "/none", directory.path] {
            let error = #expect(throws: SourceError.self) { try filled.source { $0.caFile = path }.resolve() }
            guard case .unreachable? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func withoutVerification() throws {
        #expect(try filled.source { $0.verifyTLS = false }.resolve().digest.hex == FilledRegistry.manifestHex)
    }

    @Test func plainHTTPToATLSPortIsAnError() throws {
        #expect(throws: SourceError.self) { try filled.source { $0.plainHTTP = true }.resolve() }
    }

    @Test func aCutIsResumed() throws {
        let proxy = try FaultProxy(upstreamPort: filled.registry.port)
        let (blob, bytes) = try FilledRegistry.model()
        let source = try filled.source(host: proxy.host) { [filled] in $0.caFile = filled.registry.caFile }
        _ = try source.resolve()
        proxy.cutAfter = 700_000
        #expect(try source.bytes(blob) == bytes)
    }

    /// A broken handshake is retried as any other failure.
    @Test func anOutageIsWaitedFor() throws {
        let proxy = try FaultProxy(upstreamPort: filled.registry.port)
        let (blob, bytes) = try FilledRegistry.model()
        let source = try filled.source(host: proxy.host) { [filled] in $0.caFile = filled.registry.caFile }
        _ = try source.resolve()
        proxy.cutAfter = 0
        proxy.refusing = true
        let thread = try Later(seconds: 0.5) {
            proxy.cutAfter = nil
            proxy.refusing = false
        }
        #expect(try source.bytes(blob) == bytes)
        thread.join()
    }
}
