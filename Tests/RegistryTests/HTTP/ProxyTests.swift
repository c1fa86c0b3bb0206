// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// An HTTP proxy with a password. It gets the whole URL.
@Suite final class ProxyTests {
    private let filled: FilledRegistry
    private let proxy: LittleServer

    init() throws {
        let filled = try FilledRegistry()
        let port = filled.registry.port
        proxy = try LittleServer { request, connection in
            guard request.target.hasPrefix("http://registry.example.test/") else {
                return connection.send(status: 400, body: "not for a proxy")
            }
            let path = request.target.dropFirst("http://registry.example.test".count)
            connection.forward(request, to: port, as: String(path))
        }
        self.filled = filled
    }

    /// Only the proxy can resolve the registry's name.
    @Test func isAskedForAll() throws {
        let url = "http://kit:pr0xy-s3cret@\(proxy.host)"
        let source = try filled.source(host: "registry.example.test") {
            $0.plainHTTP = true
            $0.proxy = url
        }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
        #expect(proxy.requests.count == 2)
        let expected = "Basic " + Base64.encode("kit:pr0xy-s3cret")
        #expect(proxy.requests.allSatisfy { $0.headers["proxy-authorization"] == expected })
        #expect(proxy.requests.allSatisfy { $0.authorization == nil })
    }

    @Test func oneThatIsGone() throws {
        proxy.stop()
        let source = try filled.source(host: "registry.example.test") { [proxy] in
            $0.plainHTTP = true
            $0.timeout = 1
            $0.proxy = "http://kit:pr0xy-s3cret@\(proxy.host)"
        }
        let error = #expect(throws: SourceError.self) { try source.resolve() }
        guard case .unreachable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("\(proxy.port)") && !reason.contains("s3cret"), "\(reason)")
    }
}
