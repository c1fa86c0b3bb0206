// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite struct RegistryAuthTests {
    private func login(_ directory: TemporaryDirectory, _ host: String, _ password: String) throws {
        let json = #"{"auths":{"\#(host)":{"username":"kit","password":"\#(password)"}}}"#
        try writeFile(directory.path + "/config.json", Array(json.utf8))
    }

    @Test func basicCredentials() throws {
        let filled = try FilledRegistry(htpasswd: ("kit", "fs-s3cret:x"))
        let directory = try TemporaryDirectory()
        let source = try filled.source { $0.environment = ["DOCKER_CONFIG": directory.path] }
        let (blob, bytes) = try FilledRegistry.model()

        // Missing, then wrong: no retries, no password in the message.
        for password in [nil, "wrong-s3cret"] {
            if let password { try login(directory, filled.registry.host, password) }
            try filled.registry.resetRequests()
            for attempt in [{ _ = try source.resolve() }, { _ = try source.bytes(blob) }] {
                let error = #expect(throws: SourceError.self) { try attempt() }
                guard case .unauthorized(let reason)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(reason.contains("docker login \(filled.registry.host)"))
                #expect(!reason.contains("s3cret"))
            }
            #expect(try filled.registry.requests().map(\.status).allSatisfy { $0 == 401 })
            // A request without credentials, and one with a password that was not tried yet.
            #expect(try filled.registry.requests().count == (password == nil ? 2 : 3))
        }
        // The right password: the file is read again.
        try login(directory, filled.registry.host, "fs-s3cret:x")
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        #expect(try source.bytes(blob) == bytes)
        // A login at another host is not used.
        try login(directory, "127.0.0.1:1", "fs-s3cret:x")
        let another = try filled.source { $0.environment = ["DOCKER_CONFIG": directory.path] }
        #expect(throws: SourceError.self) { try another.resolve() }
        // An unusable file is reported, not skipped.
        try writeFile(directory.path + "/config.json", Array("{".utf8))
        let error = #expect(throws: SourceError.self) { try another.resolve() }
        guard case .misconfigured? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
