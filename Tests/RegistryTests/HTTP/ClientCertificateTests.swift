// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry
@testable import TestSupport

/// A server that requires a client certificate.
@Suite final class ClientCertificateTests {
    private let filled: FilledRegistry
    private let directory: TemporaryDirectory
    private let certificates: TestCertificates
    private let server: CachingMirror

    init() throws {
        filled = try FilledRegistry()
        directory = try TemporaryDirectory()
        certificates = try TestCertificates(directory: directory.path)
        server = try CachingMirror(of: filled.registry, certificates)
    }

    @Test func fromOptions() throws {
        #expect(throws: SourceError.self) {
            try filled.source(host: server.host) { [certificates] in $0.caFile = certificates.caFile }.resolve()
        }
        try certificates.makeClient("me", in: directory.path)
        let source = try filled.source(host: server.host) { [certificates, directory] in
            $0.caFile = certificates.caFile
            $0.clientCertificate = directory.path + "/me.cert"
            $0.clientKey = directory.path + "/me.key"
        }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        // The key of another certificate.
        let broken = try filled.source(host: server.host) { [certificates, directory] in
            $0.caFile = certificates.caFile
            $0.clientCertificate = directory.path + "/me.cert"
            $0.clientKey = directory.path + "/server.key"
        }
        #expect(throws: SourceError.self) { try broken.resolve() }
    }

    @Test func fromTheDirectoryOfTheHost() throws {
        let place = try directory.subdirectory("containers/certs.d/\(server.host)")
        try writeFile(place + "/ca.crt", try readFile(certificates.caFile))
        let environment = ["XDG_CONFIG_HOME": directory.path]
        #expect(throws: SourceError.self) {
            try filled.source(host: server.host) { $0.environment = environment }.resolve()
        }
        try certificates.makeClient("me", in: place)
        let source = try filled.source(host: server.host) { $0.environment = environment }
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
    }
}
