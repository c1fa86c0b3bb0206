// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// registries.conf: the endpoints of a name. `HOST/REPOSITORY` and, in brackets, the endpoint's attributes.
@Suite final class RegistriesConfigurationTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func write(_ name: String, _ text: String) throws {
        _ = try directory.subdirectory(String(name.split(separator: "/").dropLast().joined(separator: "/")))
        try writeFile("\(directory.path)/\(name)", Array(text.utf8))
    }

    private func configuration(_ environment: [String: String] = [:]) throws -> RegistriesConfiguration {
        let all = ["XDG_CONFIG_HOME": directory.path + "/user"].merging(environment) { $1 }
        return try RegistriesConfiguration(environment: all, system: directory.path + "/system")
    }

    private func places(_ text: String, _ name: String) throws -> [String] {
        try write("user/containers/registries.conf", text)
        return try places(configuration(), name)
    }

    private func places(_ configuration: RegistriesConfiguration, _ name: String) throws -> [String] {
        let parts = name.split(separator: "/", maxSplits: 1)
        let host = try #require(RegistryHost(parts[0]))
        return try configuration.endpoints(host, try #require(Repository(parts[1]))).map { place in
            "\(place.host)/\(place.repository)" + (place.isInsecure ? " insecure" : "")
                + (place.isMirror ? " mirror" : "") + (place.serves == .all ? "" : " \(place.serves.rawValue)")
        }
    }

    private static let rules = """
        unqualified-search-registries = ["docker.io"]
        [[registry]]
        location = "plain.io"
        insecure = true
        [[registry]]
        prefix = "r.io"
        location = "new.io/base"
        [[registry]]
        prefix = "r.io/team"
        location = "team.io:5000"
        [[registry]]
        prefix = "*.wild.io"
        insecure = true
        [[registry]]
        prefix = "*.deep.wild.io"
        location = "deep.io/all"
        [[registry]]
        prefix = "x.deep.wild.io"
        location = "exact.io"
        [[registry]]
        location = "m.io"
        [[registry.mirror]]
        location = "one.io"
        [[registry.mirror]]
        location = "two.io:80/cache"
        insecure = true
        """

    @Test(arguments: [
        ("other.io/a", ["other.io/a"]), ("plain.io/a/b", ["plain.io/a/b insecure"]), ("r.io/a", ["new.io/base/a"]),
        ("r.io/team/a", ["team.io:5000/a"]), ("r.io/teams/a", ["new.io/base/teams/a"]), ("r.io.org/a", ["r.io.org/a"]),
        ("a.wild.io/x", ["a.wild.io/x insecure"]), ("a.wild.io:1/x", ["a.wild.io:1/x insecure"]),
        ("wild.io/x", ["wild.io/x"]), ("notwild.io/x", ["notwild.io/x"]), ("a.deep.wild.io/x", ["deep.io/all/x"]),
        ("x.deep.wild.io/x", ["exact.io/x"]),
        ("m.io/a/b", ["one.io/a/b mirror", "two.io:80/cache/a/b insecure mirror", "m.io/a/b"]),
    ]) func leads(_ name: String, _ expected: [String]) throws {
        #expect(try places(Self.rules, name) == expected)
    }

    @Test func mirrorsForSomePulls() throws {
        let text = """
            [[registry]]
            location = "m.io"
            mirror-by-digest-only = true
            [[registry.mirror]]
            location = "one.io"
            [[registry.mirror]]
            location = "two.io"
            pull-from-mirror = "tag-only"
            [[registry.mirror]]
            location = "three.io"
            pull-from-mirror = "all"
            """
        #expect(
            try places(text, "m.io/a")
                == ["one.io/a mirror digest-only", "two.io/a mirror tag-only", "three.io/a mirror", "m.io/a"])
        let tag = try Reference(parsing: "m.io/a:v1")
        let digest = try Reference(parsing: "m.io/a:v1@sha256:" + String(repeating: "0", count: 64))
        let endpoints = try configuration().endpoints(
            try #require(RegistryHost("m.io")), try #require(Repository("a")))
        #expect(endpoints.map { $0.serves(tag) } == [false, true, true, true])
        #expect(endpoints.map { $0.serves(digest) } == [true, false, true, true])
        #expect(throws: SourceError.self) { try places(text.replacing("tag-only", with: "never"), "m.io/a") }
    }

    @Test func blocked() throws {
        let text = "[[registry]]\nlocation = \"b.io/x\"\nblocked = true\n"
        let error = #expect(throws: SourceError.self) { try places(text, "b.io/x/y") }
        guard case .unauthorized(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("b.io/x/y is blocked") && reason.contains("registries.conf"))
        #expect(try places(text, "b.io/xy") == ["b.io/xy"])
    }

    private static func rule(_ location: String) -> String {
        "[[registry]]\nprefix = \"p.io\"\nlocation = \"\(location)\"\n"
    }

    /// Each file that is added precedes those before it.
    @Test func theOrderOfFiles() throws {
        #expect(try places(configuration(), "p.io/a") == ["p.io/a"])
        try write("system/registries.conf", Self.rule("system.io"))
        #expect(try places(configuration(), "p.io/a") == ["system.io/a"])
        try write("user/containers/registries.conf", Self.rule("user.io"))
        #expect(try places(configuration(), "p.io/a") == ["user.io/a"])
        try write("user/containers/registries.conf.d/10-b.conf", Self.rule("user10.io"))
        try write("user/containers/registries.conf.d/20-a.conf", Self.rule("user20.io"))
        try write("user/containers/registries.conf.d/30-a.txt", Self.rule("text.io"))
        #expect(try places(configuration(), "p.io/a") == ["user20.io/a"])
        try write("named/it.conf", Self.rule("named.io"))
        let named = ["CONTAINERS_REGISTRIES_CONF": directory.path + "/named/it.conf"]
        #expect(try places(configuration(named), "p.io/a") == ["named.io/a"])
        // A file that the user named must exist.
        #expect(throws: SourceError.self) {
            try configuration(["CONTAINERS_REGISTRIES_CONF": directory.path + "/named/none.conf"])
        }
    }

    /// With a user's file, the system's folder is not read, as in podman.
    @Test func theSystemsFolder() throws {
        try write("system/registries.conf.d/10.conf", Self.rule("folder.io"))
        #expect(try places(configuration(), "p.io/a") == ["folder.io/a"])
        try write("system/registries.conf", Self.rule("system.io"))
        #expect(try places(configuration(), "p.io/a") == ["folder.io/a"])
        try write("user/containers/registries.conf", "")
        #expect(try places(configuration(), "p.io/a") == ["p.io/a"])
    }

    @Test func versionOne() throws {
        let text = """
            [registries.search]
            registries = ["s.io"]
            [registries.insecure]
            registries = ["i.io", "ib.io", "r.io/team/"]
            [registries.block]
            registries = ["b.io", "ib.io"]
            """
        for (name, expected) in [("s.io/a", "s.io/a"), ("i.io/a", "i.io/a insecure"), ("r.io/a", "r.io/a")] {
            #expect(try places(text, name) == [expected])
        }
        #expect(try places(text, "r.io/team/a") == ["r.io/team/a insecure"])
        for name in ["b.io/a", "ib.io/a"] { #expect(throws: SourceError.self) { try places(text, name) } }
        // Empty lists do not make a file one of version 1.
        let empty = "[registries.search]\nregistries = []\n[registries.block]\n" + Self.rule("p.new.io")
        #expect(try places(empty, "p.io/a") == ["p.new.io/a"])
        try write("user/containers/registries.conf.d/1.conf", text)
        let error = #expect(throws: SourceError.self) { try configuration() }
        #expect(error?.description.contains("registries.conf.d/1.conf is of version 1") == true)
    }

    @Test(arguments: [
        ("[[registry", ""), ("[registries.search]\nregistries = [\"a.io\"]\n[[registry]]\nlocation = \"b\"\n", "mixes"),
        ("short-name-mode = \"enforcing\"\n[registries.block]\nregistries = [\"a.io\"]\n", "mixes"),
        ("unqualified-search-registries = [\"b\"]\n[registries.block]\nregistries = [\"a.io\"]\n", "mixes"),
        ("[registries.block]\nregistries = \"a.io\"\n", "registries"),
        ("[[registry]]\nprefix = 7\n", "prefix"), ("[[registry]]\nprefix = \"a.io\"\n", "no location"),
        ("[[registry]]\nlocation = \"a.io\"\ninsecure = \"yes\"\n", "insecure"),
        ("[[registry]]\nlocation = \"a.io\"\n[[registry.mirror]]\ninsecure = true\n", "location"),
    ]) func whatIsBroken(_ text: String, _ says: String) throws {
        try write("user/containers/registries.conf", text)
        let error = #expect(throws: SourceError.self) { try configuration() }
        guard case .misconfigured(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains(directory.path + "/user/containers/registries.conf"))
        #expect(reason.contains(says) && !reason.contains("\n"), "\(reason)")
    }

    /// toml++ ends the process at any other first character of a table's name. Found by fuzzing.
    @Test(arguments: [
        "[!a]", "[[[registry]]", "[[!", " [ \t*]", "\u{FEFF}[é]", "[", "[[", "[[\n", "[\n]", "[.a]", "a = [}",
        "a = [1,\n # c\n }",
    ])
    func tablesWithoutAName(_ header: String) throws {
        try write("user/containers/registries.conf", "# first\n\(header)\n")
        #expect(throws: SourceError.self) { try configuration() }
        try write("user/containers/registries.conf", header)
        #expect(throws: SourceError.self) { try configuration() }
    }

    @Test(arguments: ["[\"a b\"]", "['x']", "[ a . b ]", "a = [\n  1,\n  [2],\n]", "[-]", "[[_]]"])
    func tablesOfOthers(_ text: String) throws {
        try write("user/containers/registries.conf", text)
        #expect(throws: Never.self) { try configuration() }
    }

    @Test func aLocationThatIsNone() throws {
        let error = #expect(throws: SourceError.self) { try places(Self.rule("UPPER/"), "p.io/a") }
        #expect(error?.description.contains("UPPER/") == true)
    }
}
