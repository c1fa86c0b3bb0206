// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Mounts that outlive tokens and redirects.
@Suite struct TokenAccessTests {
    private let home: UserHome
    private let registry: DockerRegistry

    init() throws {
        home = try UserHome()
        registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
    }

    private static let login: DockerRegistry.Credentials = ("kit", "t0ken-s3cret")

    /// Two megabytes at half a megabyte a second, with a break after three and a half seconds. No token lives until the
    /// end.
    @Test func tokensThatLiveThreeSeconds() throws {
        let server = try TokenServer(before: registry) {
            $0.user = Self.login
            $0.lifetime = 3
            $0.bytesPerSecond = 500_000
        }
        let proxy = try FaultProxy(upstreamPort: server.port)
        try home.logIn(proxy.host, Self.login.user, Self.login.password)
        let mount = try home.mount("\(proxy.host)/team/kit:v1", "--authfile", home.authFile, "--timeout", "10")
        proxy.cutAfter = 1_800_000
        let start = monotonicSeconds()
        #expect(try mount.read("model/weights.safetensors").count > 2_000_000)
        #expect(monotonicSeconds() - start > 3)
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        #expect(server.tokens.count >= 2)
        // Only the realm got the password.
        let basic = server.requests.filter { $0.authorization?.hasPrefix("Basic") ?? false }
        #expect(basic.count == server.tokens.count && basic.allSatisfy { $0.path == "/token" })
        try home.unmount(mount)
    }

    /// The registry and the realm have certificates of a private authority, and no token lives until the end.
    @Test func underAPrivateAuthority() throws {
        let registry = try DockerRegistry(tls: true)
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        let inner = try TLSRelay(to: registry)
        let server = try TokenServer(upstream: inner.port) {
            $0.user = Self.login
            $0.lifetime = 3
            $0.bytesPerSecond = 500_000
        }
        let outer = try TLSRelay(to: server, as: registry)
        server.change { $0.realm = "https://\(outer.host)/token" }
        let proxy = try FaultProxy(upstreamPort: outer.port)
        try home.logIn(proxy.host, Self.login.user, Self.login.password)
        let reference = "\(proxy.host)/team/kit:v1"
        let untrusted = try home.kitfs("inspect", reference, "--authfile", home.authFile, "--timeout", "2")
        #expect(untrusted.code == 5 && untrusted.output.contains("certificate") && server.requests.isEmpty)
        let mount = try home.mount(
            reference, "--authfile", home.authFile, "--timeout", "10", "--ca-file", try #require(registry.caFile))
        proxy.cutAfter = 1_800_000
        let start = monotonicSeconds()
        #expect(try mount.read("model/weights.safetensors").count > 2_000_000)
        #expect(monotonicSeconds() - start > 3)
        proxy.cutAfter = nil
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        #expect(server.tokens.count >= 2)
        try home.unmount(mount)
    }

    @Test func blobsElsewhere() throws {
        let network = try ContentNetwork(of: registry)
        let server = try TokenServer(before: registry) {
            $0.user = Self.login
            $0.blobs = network.url
        }
        try home.logIn(server.host, Self.login.user, Self.login.password)
        let mount = try home.mount("\(server.host)/team/kit:v1", "--authfile", home.authFile)
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("weights"))
        let listed = network.requests.count
        #expect(listed >= 2)
        network.expire()
        server.change { $0.blobs = network.url }
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        #expect(network.requests.contains { $0.path.hasPrefix("/signed-2/") })
        #expect(network.requests.dropFirst(listed).contains { $0.path.hasPrefix("/signed-1/") })
        #expect(network.requests.allSatisfy { $0.authorization == nil })
        try home.unmount(mount)
    }

    @Test func refusedByTheRealm() throws {
        let server = try TokenServer(before: registry) { $0.user = Self.login }
        let reference = "\(server.host)/team/kit:v1"
        try home.logIn(server.host, "kit", "wr0ng-s3cret")
        let wrong = try home.kitfs("inspect", reference, "--authfile", home.authFile)
        #expect(wrong.code == 4 && wrong.output.contains("log in again"), "\(wrong.output)")
        try home.logIn(server.host, Self.login.user, Self.login.password)
        #expect(try home.kitfs("inspect", reference, "--authfile", home.authFile).code == 0)
        server.change { $0.realm = "http://localhost:1/token" }
        let (code, output) = try home.kitfs("inspect", reference, "--authfile", home.authFile)
        #expect(code == 4 && output.contains("credentials are not sent there"))
    }
}
