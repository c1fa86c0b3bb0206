// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Registry

@Suite struct SourceSettingsTests {
    @Test func withoutAHomeThereIsNoLocalStore() throws {
        let reference = try Reference(parsing: "mymodel:v1")
        let error = #expect(throws: SourceError.self) { try SourceSettings(environment: [:]).source(for: reference) }
        #expect(error?.description.contains("$HOME") == true)
    }

    @Test func offlineAsksNobody() throws {
        let registry = try DockerRegistry()
        var settings = SourceSettings(environment: [:])
        settings.isOffline = true
        let source = try settings.source(for: Reference(parsing: "\(registry.host)/m:v1"))
        let (blob, _) = try FilledRegistry.model()
        for error in [
            #expect(throws: SourceError.self) { try source.resolve() },
            #expect(throws: SourceError.self) { try source.bytes(blob) },
        ] {
            guard case .unreachable(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("--offline"))
        }
        #expect(try registry.requests().isEmpty)
        // A layout can be read offline.
        let layout = try Reference(parsing: "oci:" + Fixtures.layout("gzip"))
        #expect(try settings.source(for: layout).resolve().digest.short == "fb4a9a85a285")
    }

    @Test func aMirrorThatCannotBeUsedIsReported() throws {
        let directory = try TemporaryDirectory()
        let certificates = try directory.subdirectory("containers/certs.d/mirror.example.com")
        try writeFile(certificates + "/client.cert", [])
        let configuration = directory.path + "/registries.conf"
        let text = """
            [[registry]]
            location = "r.example.com"
            [[registry.mirror]]
            location = "mirror.example.com"
            """
        try writeFile(configuration, Array(text.utf8))
        var settings = SourceSettings(
            environment: ["XDG_CONFIG_HOME": directory.path, "CONTAINERS_REGISTRIES_CONF": configuration])
        let warnings = Mutex<[String]>([])
        settings.warn = { text in warnings.withLock { $0.append(text) } }
        let source = try settings.source(for: Reference(parsing: "r.example.com/m:v1"))
        #expect(source is RegistrySource)
        #expect(
            warnings.withLock { $0 } == [
                "the mirror mirror.example.com is not used: \(certificates)/client.cert has no key beside it: client.key is "
                    + "missing in \(certificates)"
            ])
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.1.2.3:5000", true), ("localhost", true), ("localhost:5000", true), ("[::1]", true),
        ("[::1]:5000", true), ("localhost.example.com", false), ("128.0.0.1", false), ("[::2]", false),
        ("r.io", false), ("xlocalhost:5000", false),
    ]) func loopback(_ host: String, _ expected: Bool) throws {
        #expect(try #require(RegistryHost(host)).isLoopback == expected)
    }

    /// Only names of this machine may be accessed without TLS.
    @Test func aNameThatOnlyLooksLikeIt() throws {
        #expect(try #require(RegistryHost("127.0.0.1.example.com:5000")).isLoopback == false)
    }
}
