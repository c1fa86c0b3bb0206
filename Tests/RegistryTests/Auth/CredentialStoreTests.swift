// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Which entry counts, of those in the files of docker, podman and kit.
@Suite final class CredentialStoreTests {
    private let directory: TemporaryDirectory
    private let host: RegistryHost

    init() throws {
        directory = try TemporaryDirectory()
        host = try #require(RegistryHost("r.example.com:5000"))
    }

    /// Writes an auth file; returns a store with only that file.
    private func store(_ json: String) throws -> CredentialStore {
        try writeFile(directory.path + "/auth.json", Array(json.utf8))
        return CredentialStore(authFile: directory.path + "/auth.json", environment: [:])
    }

    private func user(_ store: CredentialStore, _ repository: String, host name: String? = nil) throws -> String? {
        let host = try name.map { try #require(RegistryHost($0)) } ?? host
        switch try store.credential(for: host, try #require(Repository(repository))) {
        case .basic(let basic)?: return basic.user
        case .identityToken(let token)?: return "token \(token)"
        case nil: return nil
        }
    }

    private static func entry(_ user: String) -> String { #"{"username":"\#(user)","password":"p"}"# }

    @Test func theOrderOfFiles() throws {
        let root = directory.path
        let environment = [
            "HOME": root + "/home", "DOCKER_CONFIG": root + "/docker", "XDG_RUNTIME_DIR": root + "/run",
            "XDG_CONFIG_HOME": root + "/config", "KITOPS_HOME": root + "/kit", "XDG_DATA_HOME": root + "/data",
        ]
        let store = CredentialStore(authFile: nil, environment: environment)
        let expected = [
            root + "/docker/config.json", root + "/run/containers/auth.json", root + "/config/containers/auth.json",
            root + "/kit/credentials.json",
        ]
        #expect(store.files == expected)
        for name in ["docker", "run/containers", "config/containers", "kit"] { _ = try directory.subdirectory(name) }
        // In reverse order: each file precedes those written before.
        for (number, path) in expected.enumerated().reversed() {
            try writeFile(path, Array(#"{"auths":{"\#(host)":\#(Self.entry("user\(number)"))}}"#.utf8))
            #expect(try user(store, "a") == "user\(number)")
        }
        // A file without an entry for the host is skipped.
        try writeFile(expected[0], Array(#"{"auths":{"other":\#(Self.entry("x"))}}"#.utf8))
        #expect(try user(store, "a") == "user1")
        #expect(
            CredentialStore(authFile: nil, environment: ["HOME": "/h", "DOCKER_CONFIG": ""]).files == [
                "/h/.docker/config.json", "/h/.config/containers/auth.json",
                "/h/.local/share/kitops/credentials.json",
            ])
        #expect(CredentialStore(authFile: nil, environment: [:]).files.isEmpty)
        let named = environment.merging(["REGISTRY_AUTH_FILE": "/named"]) { $1 }
        #expect(CredentialStore(authFile: nil, environment: named).files == ["/named"])
        #expect(CredentialStore(authFile: "/given", environment: named).files == ["/given"])
        // A file named by --authfile must exist.
        #expect(try user(CredentialStore(authFile: nil, environment: named), "a") == nil)
        #expect(throws: SourceError.unauthorized("the auth file /given does not exist")) {
            try user(CredentialStore(authFile: "/given", environment: named), "a")
        }
    }

    @Test func theLongestPathFirst() throws {
        let store = try store(
            #"""
            {"auths":{"\#(host)":\#(Self.entry("host")),"\#(host)/a":\#(Self.entry("a")),
            "\#(host)/a/b":\#(Self.entry("ab")),"https://\#(host)/ignored/v1/":\#(Self.entry("url"))}}
            """#)
        for (repository, expected) in [
            ("a/b", "ab"), ("a/b/c", "ab"), ("a/bc", "a"), ("a", "a"), ("ab", "host"), ("x/a/b", "host"),
        ] {
            #expect(try user(store, repository) == expected, "\(repository)")
        }
        #expect(try user(store, "a/b", host: "r.example.com") == nil)
        #expect(try user(store, "a/b", host: "r.example.com:5001") == nil)
    }

    @Test(arguments: [
        "https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io", "https://docker.io",
    ]) func theNamesOfDockerHub(_ key: String) throws {
        let store = try store(#"{"auths":{"\#(key)":\#(Self.entry("hub"))}}"#)
        for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            #expect(try user(store, "library/busybox", host: name) == "hub", "\(name)")
        }
        #expect(try user(store, "x", host: "docker.io.example.com") == nil)
    }

    @Test func theFormsOfAnEntry() throws {
        func credential(_ entry: String) throws -> Credential? {
            try store(#"{"auths":{"\#(host)":\#(entry)}}"#).credential(for: host, try #require(Repository("a")))
        }
        let expected = Credential.basic(BasicCredentials(user: "kit", password: "s3:cr:et"))
        #expect(try credential(#"{"auth":"a2l0OnMzOmNyOmV0"}"#) == expected)
        #expect(try credential(#"{"auth":"a2l0OnMzOmNyOmV0AAA="}"#) == expected)
        #expect(try credential(#"{"username":"kit","password":"s3:cr:et","email":"x"}"#) == expected)
        #expect(try credential(#"{"auth":"a2l0OnMzOmNyOmV0","identitytoken":"t"}"#) == .identityToken("t"))
        #expect(try credential("{}") == nil)
        #expect(try credential(#"{"auth":"","identitytoken":""}"#) == nil)
    }

    /// No message, description or dump shows a secret.
    @Test func whatIsNoAuthFile() throws {
        for json in [
            "", "[", #"["s3cret"]"#, #"{"auths":["s3cret"]}"#, #"{"auths":{"\#(host)":{"auth":["s3cret"]}}}"#,
            #"{"auths":{"\#(host)":{"auth":"s3cret!"}}}"#, #"{"auths":{"\#(host)":{"auth":"czNjcmV0"}}}"#,
            #"{"auths":{"\#(host)":"s3cret"}}"#,
        ] {
            let error = #expect(throws: SourceError.self) { try user(store(json), "a") }
            guard case .misconfigured(let reason)? = error else {
                Issue.record("\(json): \(String(describing: error))")
                continue
            }
            #expect(reason.contains(directory.path + "/auth.json"))
            #expect(!reason.contains("s3cret") && !reason.contains("czNjcmV0"))
        }
        let credential = Credential.basic(BasicCredentials(user: "kit", password: "s3cret"))
        #expect("\(credential)" == "credentials of “kit”")
        #expect("\(Credential.identityToken("s3cret"))" == "an identity token")
    }
}
