// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing

@testable import Registry

/// Registries that require tokens, with the peculiarities of those in use.
@Suite final class TokenFlowTests {
    private let filled: FilledRegistry
    private let directory: TemporaryDirectory

    init() throws {
        filled = try FilledRegistry()
        directory = try TemporaryDirectory()
    }

    private func server(_ change: (inout TokenServer.Settings) -> Void = { _ in }) throws -> TokenServer {
        try TokenServer(before: filled.registry, change)
    }

    /// A source for the server, with `entry` in an auth file.
    private func source(_ server: TokenServer, _ entry: String? = nil) throws -> any ArtifactSource {
        let path = directory.path + "/auth.json"
        if let entry { try writeFile(path, Array(#"{"auths":{"\#(server.host)":\#(entry)}}"#.utf8)) }
        return try filled.source(host: server.host) { if entry != nil { $0.authFile = path } }
    }

    private static let user: DockerRegistry.Credentials = ("kit", "s3cret:x")
    private static let login = #"{"username":"kit","password":"s3cret:x"}"#

    private func expectWhole(_ source: any ArtifactSource) throws {
        #expect(try source.resolve().digest.hex == FilledRegistry.manifestHex)
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
    }

    @Test func anonymously() throws {
        let server = try server()
        try expectWhole(source(server))
        let asked = server.tokenRequests
        // One token serves all requests.
        #expect(asked.count == 1)
        #expect(asked[0].method == "GET" && asked[0].authorization == nil)
        #expect(asked[0].fields == ["service": "kitfs-test", "scope": "repository%3Ateam%2Fkit%3Apull"])
    }

    /// The password is sent to the realm, and never to the registry.
    @Test func withAPassword() throws {
        let server = try server { $0.user = Self.user }
        try expectWhole(source(server, Self.login))
        #expect(server.tokenRequests.map(\.fields["account"]) == ["kit"])
        let others = server.requests.filter { $0.path != "/token" }
        #expect(others.count == 3)
        #expect(others.allSatisfy { $0.authorization?.hasPrefix("Bearer ") ?? true })
        for entry in [nil, #"{"username":"kit","password":"s3cret:wrong"}"#] {
            let error = #expect(throws: SourceError.self) { try source(server, entry).resolve() }
            guard case .unauthorized(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(reason.contains("refuses to give a token (HTTP 401)") && reason.contains("log in"))
            #expect(!reason.contains("s3cret"))
        }
    }

    @Test func anIdentityTokenIsPosted() throws {
        let server = try server { $0.refreshToken = "r3fresh" }
        try expectWhole(source(server, #"{"identitytoken":"r3fresh"}"#))
        let asked = try #require(server.tokenRequests.first)
        #expect(asked.method == "POST" && asked.target == "/token")
        #expect(asked.fields["client_id"] == "kitfs" && asked.fields["service"] == "kitfs-test")
        let error = #expect(throws: SourceError.self) { try source(server, #"{"identitytoken":"0ld"}"#).resolve() }
        #expect(error?.description.contains("HTTP 400") == true && error?.description.contains("0ld") == false)
    }

    /// GHCR does not support POST, and accepts the token as a password.
    @Test func whereThereIsNoPost() throws {
        let server = try server { $0.user = ("<token>", "r3fresh") }
        try expectWhole(source(server, #"{"identitytoken":"r3fresh"}"#))
        #expect(server.tokenRequests.map(\.method) == ["POST", "GET"])
        #expect(server.tokenRequests[1].target.contains("r3fresh") == false)
    }

    @Test(arguments: ["token", "access_token"], [true, false])
    func theFormsOfAnAnswer(_ field: String, _ tellsLifetime: Bool) throws {
        let server = try server {
            $0.field = field
            $0.tellsLifetime = tellsLifetime
        }
        try expectWhole(source(server))
        #expect(server.tokenRequests.count == 1)
        server.change { $0.field = "nothing" }
        let error = #expect(throws: SourceError.self) { try source(server).resolve() }
        #expect(error?.description.contains("has no token in it") == true)
    }

    /// A token is renewed before it expires, or when it is refused: with 401, or 400 by ECR Public.
    @Test(arguments: [(true, 401), (false, 401), (false, 400)])
    func aTokenIsRenewed(_ tellsLifetime: Bool, _ status: Int) throws {
        let server = try server {
            $0.lifetime = 1
            $0.tellsLifetime = tellsLifetime
            $0.expiredStatus = status
        }
        let source = try source(server)
        _ = try source.resolve()
        usleep(1_100_000)
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
        #expect(server.tokenRequests.count == 2)
        // A request is refused only if the expiry was not stated.
        #expect(server.requests.filter { $0.path.contains("/blobs/") }.count == (tellsLifetime ? 1 : 2))
    }

    @Test func aScopeThatGrew() throws {
        let server = try server { $0.findsScopeInsufficient = true }
        try expectWhole(source(server))
        #expect(server.tokenRequests.count == 2)
    }

    /// A registry cannot have the password sent to another site.
    @Test func aRealmOnAnotherHost() throws {
        let other = try TokenServer(before: filled.registry)
        let elsewhere = other.host.replacing("127.0.0.1", with: "localhost")
        let server = try server { $0.realm = "http://\(elsewhere)/token" }
        let error = #expect(throws: SourceError.self) { try source(server, Self.login).resolve() }
        guard case .unauthorized(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("credentials are not sent there") && reason.contains("localhost"))
        #expect(other.requests.isEmpty)
        // Without credentials the realm is asked; its tokens are not accepted here.
        #expect(throws: SourceError.self) { try source(server).resolve() }
        #expect(other.tokenRequests.count >= 1 && other.requests.allSatisfy { $0.authorization == nil })
        for realm in ["ftp://127.0.0.1/token", "http://u@127.0.0.1/token", ""] {
            server.change { $0.realm = realm }
            #expect(throws: SourceError.self) { try source(server, Self.login).resolve() }
        }
    }
}
