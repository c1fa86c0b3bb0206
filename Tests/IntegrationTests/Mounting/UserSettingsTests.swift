// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// The location of registries.conf, the warnings about it, and invalid settings.
@Suite struct UserSettingsTests {
    private let home: UserHome
    private let registry: DockerRegistry
    /// A host name that only registries.conf maps to a real host.
    private let reference = "models.example.test/team/kit:v1"

    init() throws {
        home = try UserHome()
        registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
    }

    private var rule: String {
        "[[registry]]\nprefix = \"models.example.test\"\nlocation = \"\(registry.host)\"\ninsecure = true\n"
    }
    private static let unknown = "[[registry]]\nprefix = \"models.example.test\"\nlocation = \"127.0.0.1:1\"\n"

    private func expectMounted() throws {
        let mount = try home.mount(reference)
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        try home.unmount(mount)
    }

    @Test func aFileThatIsNamed() throws {
        try home.registries(Self.unknown)
        #expect(try home.kitfs("inspect", reference, "--timeout", "1").code == 5)
        try home.write("named.conf", rule)
        home.bench.environment["CONTAINERS_REGISTRIES_CONF"] = home.path + "/named.conf"
        try expectMounted()
        home.bench.environment["CONTAINERS_REGISTRIES_CONF"] = home.path + "/none.conf"
        let (code, output) = try home.kitfs("inspect", reference)
        #expect(code == 1 && output.contains("/none.conf does not exist"), "\(output)")
    }

    @Test func theFolder() throws {
        try home.registries(Self.unknown)
        try home.write(".config/containers/registries.conf.d/20-models.conf", rule)
        try home.write(".config/containers/registries.conf.d/10-models.conf", Self.unknown)
        try expectMounted()
    }

    /// The warning comes once for a kit and its parent, and the mount's own process does not repeat it.
    @Test func anInsecureRegistryIsWarnedOf() throws {
        try home.registries(rule)
        var kit = KitBuilder(directory: home.path + "/child")
        kit.modelReference = reference
        try kit.write(tag: "v1", package: "child")
        try registry.push(layout: home.path + "/child", tag: "v1", to: "team/child:v1")
        let child = "models.example.test/team/child:v1"
        let directory = try home.bench.directory.subdirectory("m")
        for arguments in [["inspect", child], ["ls", child], ["mount", child, directory]] {
            let (code, output) = try home.kitfs(arguments)
            #expect(code == 0)
            #expect(
                output.split(separator: "\n").filter { $0.contains("warning") } == [
                    "kitfs: warning: \(registry.host) is insecure in registries.conf: "
                        + "whoever stands between may read and change what is sent"
                ], "\(output)")
        }
        #expect(try home.kitfs("unmount", directory).code == 0)
        try home.registries("")
        #expect(try home.kitfs("inspect", "\(registry.host)/team/kit:v1").output.contains("warning") == false)
    }

    /// The user's files are broken, and not the kit. The message names the file, and the exit code is the general one.
    @Test(arguments: [
        ("logins.json", "{"), ("logins.json", #"{"auths":["x"]}"#),
        (".config/containers/registries.conf", "[[registry"),
        (".config/containers/certs.d/HOST/client.cert", ""),
    ]) func brokenFiles(_ name: String, _ text: String) throws {
        let registry = try DockerRegistry(htpasswd: ("kit", "fs-s3cret:p"))
        try home.write(name.replacing("HOST", with: registry.host), text)
        let (code, output) = try home.kitfs("inspect", "\(registry.host)/team/kit:v1", "--authfile", home.authFile)
        #expect(code == 1, "\(output)")
        #expect(output.contains(home.path + "/" + name.replacing("HOST", with: registry.host)), "\(output)")
        #expect(output.split(separator: "\n").count == 1)
    }
}
