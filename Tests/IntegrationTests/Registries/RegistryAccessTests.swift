// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A registry with a password and a private authority.
@Suite struct RegistryAccessTests {
    private static let login: DockerRegistry.Credentials = ("kit", "fs-s3cret:p")
    private let home: UserHome

    init() throws { home = try UserHome() }

    private func filled() throws -> (registry: DockerRegistry, reference: String) {
        let registry = try DockerRegistry(htpasswd: Self.login, tls: true)
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        return (registry, "\(registry.host)/team/kit:v1")
    }

    private func expectTruth(_ mount: Mount) throws {
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
    }

    @Test func exitCodesTellThingsApart() throws {
        let (registry, reference) = try filled()
        let ca = try #require(registry.caFile)
        let untrusted = try home.kitfs("inspect", reference, "--timeout", "2")
        #expect(untrusted.code == 5 && untrusted.output.contains("certificate"), "\(untrusted.output)")
        try home.trust(registry.host, ca)
        let anonymous = try home.kitfs("inspect", reference)
        #expect(anonymous.code == 4 && anonymous.output.contains("docker login \(registry.host)"))
        try home.logIn(registry.host, "kit", "wr0ng-s3cret")
        let wrong = try home.kitfs("inspect", reference, "--authfile", home.authFile)
        #expect(wrong.code == 4 && wrong.output.contains("docker login \(registry.host)"))
        #expect(wrong.output.split(separator: "\n").count == 1)
        let directory = try home.bench.directory.subdirectory("m")
        #expect(try home.kitfs("mount", reference, directory, "--authfile", home.authFile).code == 4)
        try home.logIn(registry.host, "kit", Self.login.password)
        #expect(try home.kitfs("inspect", reference, "--authfile", home.authFile).code == 0)
        for missing in ["\(registry.host)/team/kit:v2", "\(registry.host)/nobody/nothing:v1"] {
            let (code, output) = try home.kitfs("inspect", missing, "--authfile", home.authFile)
            #expect(code == 3 && output.contains("check the name and the tag"))
        }
        registry.stop()
        let (code, output) = try home.kitfs("inspect", reference, "--authfile", home.authFile, "--timeout", "1")
        #expect(code == 5 && output.contains(registry.host))
    }

    @Test func certificatesAndPasswordsWhereDockerKeepsThem() throws {
        let (registry, reference) = try filled()
        try home.trust(registry.host, try #require(registry.caFile))
        try home.logIn(registry.host, Self.login.user, Self.login.password, in: ".docker/config.json")
        let mount = try home.mount(reference)
        try expectTruth(mount)
        try home.unmount(mount)
        // The same by options, and then with an authority that has signed nothing here.
        let options = ["--ca-file", try #require(registry.caFile), "--authfile", home.path + "/.docker/config.json"]
        #expect(try home.bench.kitfs("inspect", reference, options[0], options[1], options[2], options[3]) != "")
        let other = try DockerRegistry(tls: true)
        let (code, _) = try home.kitfs("inspect", reference, "--ca-file", try #require(other.caFile), "--timeout", "2")
        #expect(code == 5)
        let unchecked = try home.kitfs("inspect", reference, "--tls-verify=false", "--ca-file", "/dev/null")
        #expect(unchecked.code == 0 && unchecked.output.contains("warning: --tls-verify=false"))
        // A mount in the background can write to the terminal while it starts.
        let directory = try home.bench.directory.subdirectory("m")
        let mounted = try home.kitfs("mount", reference, directory, "--tls-verify=false")
        #expect(mounted.code == 0 && mounted.output.contains("warning: --tls-verify=false"), "\(mounted.output)")
        #expect(try home.kitfs("unmount", directory).code == 0)
    }

    @Test func aCredentialHelper() throws {
        let (registry, reference) = try filled()
        try home.trust(registry.host, try #require(registry.caFile))
        try home.addHelper(
            "mine",
            """
            read server
            echo "$1 $server" >>"$HOME/asked"
            echo '{"ServerURL":"","Username":"\(Self.login.user)","Secret":"\(Self.login.password)"}'
            """)
        try home.write(".docker/config.json", #"{"credHelpers":{"\#(registry.host)":"mine"}}"#)
        let missing = try home.kitfs("inspect", reference)
        #expect(missing.code == 4 && missing.output.contains("docker-credential-mine cannot be run"))
        home.bench.environment["PATH"] = home.path + "/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        let mount = try home.mount(reference)
        try expectTruth(mount)
        try home.unmount(mount)
        let asked = String(decoding: try readFile(home.path + "/asked"), as: UTF8.self).split(separator: "\n")
        // The helper's command line has neither the secret nor the server, and no other command line has the secret:
        // see `CommandFixture.logs`.
        let lines = String(decoding: try readFile(home.bench.logs + "/helpers.log"), as: UTF8.self).split(
            separator: "\n")
        #expect(lines.count == asked.count && lines.allSatisfy { $0.hasSuffix("/bin/docker-credential-mine get ") })
        #expect(asked.count >= 1 && asked.allSatisfy { $0 == "get \(registry.host)" })
    }

    /// The password changes, and then the auth file. The mount continues.
    @Test func credentialsThatChange() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        let server = try TokenServer(before: registry) {
            $0.user = ("kit", "m0nday-s3cret")
            $0.lifetime = 1
        }
        try home.logIn(server.host, "kit", "m0nday-s3cret")
        let mount = try home.mount("\(server.host)/team/kit:v1", "--authfile", home.authFile)
        #expect(try mount.read("README.md").count == 26)
        server.change { $0.user = ("kit", "tu3sday-s3cret") }
        usleep(1_000_000)
        #expect(mount.openError("data/train/s0/p/f0.bin") == EACCES)
        try home.logIn(server.host, "kit", "tu3sday-s3cret")
        try eventually(within: 10, "the new password is used") { mount.openError("data/train/s0/p/f0.bin") == 0 }
        try expectTruth(mount)
        try home.unmount(mount)
    }

    /// libcurl's message about an invalid proxy URL quotes the URL, including the password.
    @Test(arguments: ["ftp://kit:pr0xy-s3cret@127.0.0.1:1", "http://kit:pr0xy-s3cret@127.0.0.1:bad"])
    func aProxyThatIsNone(_ proxy: String) throws {
        Secrets.add("pr0xy-s3cret", of: "kit")
        let reference = "registry.example.com/team/kit:v1"
        var result = try home.kitfs("inspect", reference, "--proxy", proxy, "--timeout", "1")
        #expect(result.code == 5 && result.output.contains("proxy"), "\(result.output)")
        home.bench.environment["https_proxy"] = proxy
        result = try home.kitfs("inspect", reference, "--timeout", "1")
        #expect(result.code == 5 && result.output.contains("proxy"), "\(result.output)")
    }
}
