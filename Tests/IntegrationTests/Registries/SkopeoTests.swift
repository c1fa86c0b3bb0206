// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// With the same auth file, registries.conf and certs.d, skopeo and kitfs succeed and fail for the same references.
@Suite struct SkopeoTests {
    private let tls: DockerRegistry
    private let plain: DockerRegistry
    private let token: TokenServer
    private let refresh: TokenServer
    private let names: [(String, String)]

    init() throws {
        let tls = try DockerRegistry(htpasswd: ("kit", "s3cret"), tls: true)
        let plain = try DockerRegistry()
        for registry in [tls, plain] {
            try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        }
        token = try TokenServer(before: plain) { $0.user = ("kit", "s3cret") }
        refresh = try TokenServer(before: plain) {
            $0.user = ("nobody", "n0body-s3cret")
            $0.refreshToken = "r3fresh"
        }
        let scratch = try TemporaryDirectory()
        names = [
            ("{TLS}", tls.host), ("{PLAIN}", plain.host), ("{TOKEN}", token.host), ("{REFRESH}", refresh.host),
            ("{PORT}", "\(plain.port)"), ("{GONE}", "127.0.0.1:\(try freePort())"),
            ("{DIGEST}", "sha256:31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"),
            ("{CA}", String(decoding: try readFile(try #require(tls.caFile)), as: UTF8.self)),
            ("{OTHERCA}", try Self.otherAuthority(scratch.path)),
        ]
        (self.tls, self.plain) = (tls, plain)
    }

    private static func otherAuthority(_ directory: String) throws -> String {
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            directory + "/key", "-out", directory + "/ca", "-subj", "/CN=another", "-days", "2",
        ]
        try Command.check("openssl", arguments)
        return String(decoding: try readFile(directory + "/ca"), as: UTF8.self)
    }

    private func filled(_ text: String) -> String {
        names.reduce(text) { $0.replacing($1.0, with: $1.1) }
    }

    @Test func succeedAndFailAlike() throws {
        let all = SkopeoCase.passwords + SkopeoCase.certificates + SkopeoCase.tokens + SkopeoCase.places
        #expect(all.count >= 40)
        #expect(all.filter { $0.skopeo != ($0.kitfs == 0) }.map(\.name) == [])
        for each in all + SkopeoCase.differences { try run(each) }
    }

    private func run(_ each: SkopeoCase) throws {
        let home = try UserHome()
        if let auth = each.auth { try home.write("logins.json", filled(auth)) }
        if let text = each.registries { try home.registries(filled(text)) }
        for (name, content) in each.certificates {
            try home.write(".config/containers/certs.d/\(tls.host)/\(name)", filled(content))
        }
        try home.addHelper(
            "good", #"cat >/dev/null; echo '{"ServerURL":"","Username":"kit","Secret":"s3cret"}'"#)
        try home.addHelper("bad", "cat >/dev/null; echo s3cret; exit 1")
        home.bench.environment["PATH"] = home.path + "/bin:/usr/bin:/bin"
        let reference = filled(each.reference)
        let flags = ["--authfile", home.authFile] + (each.isUnverified ? ["--tls-verify=false"] : [])
        let skopeo = try Command.run(
            "skopeo", ["inspect", "--raw", "docker://" + reference] + flags,
            environment: home.bench.environment)
        #expect((skopeo.exitCode == 0) == each.skopeo, "\(each.name): skopeo: \(skopeo.errorOutput)")
        let kitfs = try home.kitfs(["inspect", reference, "--timeout", "1"] + flags)
        #expect(kitfs.code == each.kitfs, "\(each.name): \(kitfs.output)")
        let lines = kitfs.output.split(separator: "\n").filter { !$0.hasPrefix("kitfs: warning: ") }
        if kitfs.code != 0 { #expect(lines.count == 1, "\(kitfs.output)") }
    }
}
