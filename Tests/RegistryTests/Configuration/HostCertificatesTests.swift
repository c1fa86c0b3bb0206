// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite final class HostCertificatesTests {
    private let directory: TemporaryDirectory
    private let host: RegistryHost
    private var environment: [String: String] { ["XDG_CONFIG_HOME": directory.path + "/config"] }

    init() throws {
        directory = try TemporaryDirectory()
        host = try #require(RegistryHost("r.example.com:5000"))
    }

    private func write(_ names: [String]) throws -> String {
        let path = try directory.subdirectory("config/containers/certs.d/\(host)")
        for name in names { try writeFile("\(path)/\(name)", Array(name.utf8)) }
        return path
    }

    @Test func authoritiesAndAPair() throws {
        let path = try write(["b.crt", "a.crt", "client.cert", "client.key", "other.cert", "other.key", "README"])
        let found = try HostCertificates(for: host, environment: environment)
        #expect(String(decoding: found.authorities, as: UTF8.self) == "a.crt\nb.crt\n")
        #expect(found.clientCertificate == path + "/client.cert" && found.clientKey == path + "/client.key")
        // The port is part of the directory's name.
        for other in ["r.example.com", "r.example.com:5001"] {
            let host = try #require(RegistryHost(other))
            #expect(try HostCertificates(for: host, environment: environment).authorities.isEmpty)
        }
        let home = ["HOME": directory.path + "/home", "XDG_CONFIG_HOME": ""]
        #expect(try HostCertificates(for: host, environment: home).authorities.isEmpty)
        _ = try directory.subdirectory("home")
        try Command.check("ln", ["-s", directory.path + "/config", directory.path + "/home/.config"])
        #expect(try HostCertificates(for: host, environment: home).clientKey?.hasSuffix("/client.key") == true)
    }

    @Test func aCertificateWithoutItsKey() throws {
        let path = try write(["client.cert", "d.crt"])
        let error = #expect(throws: SourceError.self) { try HostCertificates(for: host, environment: environment) }
        #expect(error?.description.contains("\(path)/client.cert has no key beside it") == true)
        _ = try write(["client.key", "other.key"])
        let other = #expect(throws: SourceError.self) { try HostCertificates(for: host, environment: environment) }
        #expect(other?.description.contains("\(path)/other.key has no certificate beside it") == true)
    }
}
