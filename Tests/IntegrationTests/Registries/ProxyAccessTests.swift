// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// HTTPS through a proxy with a password. The same hosts use it as with tools written in Go, and only the proxy gets
/// the password.
@Suite struct ProxyAccessTests {
    private static let login: DockerRegistry.Credentials = ("kit", "reg1stry-s3cret")
    private static let proxyLogin: DockerRegistry.Credentials = ("door", "pr0xy-s3cret%")
    /// A name that only the proxy can resolve.
    private static let name = "registry.example.test"
    private let home: UserHome
    private let registry: DockerRegistry
    private let proxy: ConnectProxy
    private let caFile: String
    private var url: String { "http://door:pr0xy-s3cret%25@\(proxy.host)" }

    init() throws {
        home = try UserHome()
        registry = try DockerRegistry(htpasswd: Self.login, tls: true)
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        proxy = try ConnectProxy(to: registry.port, credentials: Self.proxyLogin)
        caFile = try #require(registry.caFile)
        let places = [Self.name, "localhost:\(registry.port)", "0.0.0.0:\(registry.port)", registry.host]
        try home.logIn(places, Self.login.user, Self.login.password)
    }

    private var options: [String] { ["--ca-file", caFile, "--authfile", home.authFile, "--timeout", "4"] }

    @Test(arguments: ["https_proxy", "HTTPS_PROXY"]) func fromTheEnvironment(_ variable: String) throws {
        home.bench.environment[variable] = url
        let mount = try home.mount("\(Self.name)/team/kit:v1", options)
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        try home.unmount(mount)
        #expect(Set(proxy.targets) == ["\(Self.name):443"])
        let password = "Basic " + Base64.encode("door:" + Self.proxyLogin.password)
        #expect(proxy.requests.allSatisfy { $0.headers["proxy-authorization"] == password })
        // The registry's password is sent inside the tunnel.
        #expect(proxy.requests.allSatisfy { $0.authorization == nil })
    }

    /// `--proxy` overrides the environment, even for hosts of this machine.
    @Test func byOption() throws {
        home.bench.environment["https_proxy"] = "http://127.0.0.1:1"
        home.bench.environment["no_proxy"] = "*"
        for name in [Self.name + ":443", registry.host] {
            proxy.resetRequests()
            let reference = "\(name.replacing(":443", with: ""))/team/kit:v1"
            let (code, output) = try home.kitfs(["inspect", reference, "--proxy", url] + options)
            #expect(code == 0 && Set(proxy.targets) == [name], "\(output)")
        }
    }

    /// {PORT} stands for the registry's port. skopeo gets the same environment.
    @Test(arguments: [
        ("127.0.0.1:{PORT}", "", false), ("localhost:{PORT}", "", false), ("0.0.0.0:{PORT}", "", true),
        ("0.0.0.0:{PORT}", "0.0.0.0", false), ("0.0.0.0:{PORT}", "a.io, 0.0.0.0/8", false),
        ("0.0.0.0:{PORT}", "*", false), ("0.0.0.0:{PORT}", "10.0.0.0/8,example.test", true),
        (name, "a.io", true), (name, "other.example.test,gistry.example.test", true),
    ]) func whoGoesThroughIt(_ host: String, _ exceptions: String, _ isProxied: Bool) throws {
        home.bench.environment["https_proxy"] = url
        let reference = host.replacing("{PORT}", with: "\(registry.port)") + "/team/kit:v1"
        let certificates = try home.bench.directory.subdirectory("certificates")
        try Command.check("cp", [caFile, certificates + "/ca.crt"])
        for variable in ["no_proxy", "NO_PROXY"] {
            home.bench.environment["no_proxy"] = ""
            home.bench.environment[variable] = exceptions
            proxy.resetRequests()
            let (code, output) = try home.kitfs(["inspect", reference] + options)
            #expect(code == 0 && proxy.targets.isEmpty != isProxied, "\(output)")
            proxy.resetRequests()
            try Command.check(
                "skopeo",
                ["inspect", "--raw", "docker://" + reference, "--authfile", home.authFile, "--cert-dir", certificates],
                environment: home.bench.environment)
            #expect(proxy.targets.isEmpty != isProxied, "skopeo")
        }
    }

    /// Without the proxy the registry cannot be reached.
    @Test(arguments: [name, ".example.test", "*.example.test", "example.test"])
    func aNameThatIsExcepted(_ exceptions: String) throws {
        home.bench.environment["https_proxy"] = url
        home.bench.environment["no_proxy"] = exceptions
        let (code, output) = try home.kitfs(["inspect", "\(Self.name)/team/kit:v1"] + options.dropLast() + ["1"])
        #expect(code == 5 && proxy.requests.isEmpty, "\(output)")
    }

    @Test func aProxyThatRefuses() throws {
        let wrong = "wr0ng-s3cret"
        Secrets.add(wrong, of: "door")
        for proxy in ["http://door:\(wrong)@\(proxy.host)", "http://\(wrong)@\(proxy.host)"] {
            home.bench.environment["https_proxy"] = proxy
            let (code, output) = try home.kitfs(["inspect", "\(Self.name)/team/kit:v1"] + options.dropLast() + ["1"])
            #expect(code == 5 && output.contains("407"), "\(output)")
        }
    }
}
