// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// Kits whose model is in another kit, up to ten levels deep.
@Suite struct ParentTests {
    private let home: UserHome
    private let registry: DockerRegistry
    private var layout: String { home.path + "/layout" }

    init() throws {
        home = try UserHome()
        registry = try DockerRegistry()
    }

    /// The child names its parent by the registry where it was packed, at port 5055. registries.conf maps that to the
    /// test's registry.
    @Test func ofTheRealKit() throws {
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "plain-small:v1")
        try home.registries(
            """
            [[registry]]
            prefix = "127.0.0.1:5055"
            location = "\(registry.host)"
            insecure = true
            """)
        let mount = try home.bench.mount("oci:\(Fixtures.layout("child")):v1")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("child"))
        try mount.unmount()
    }

    /// Each kit has its own model part, and the last one has the model.
    private func push(_ name: String, parent: String?) throws {
        var kit = KitBuilder(directory: layout)
        kit.modelReference = parent.map { "\(registry.host)/chain:\($0)" }
        for (kind, path) in [(KitBuilder.Kind.modelpart, "part-\(name)"), (.docs, "docs-\(name)")] {
            kit.add(.init(kind, path, raw: Array(name.utf8)))
        }
        if parent == nil { kit.add(.init(.model, "model", raw: Array(name.utf8))) }
        try kit.write(tag: name, package: name)
        try registry.push(layout: layout, tag: name, to: "chain:\(name)")
    }

    @Test func tenAreFollowedAndElevenAreNot() throws {
        for number in 0...11 { try push("k\(number)", parent: number == 11 ? nil : "k\(number + 1)") }
        let mount = try home.bench.mount("\(registry.host)/chain:k1")
        let names = try TreeScan.scan(mount.path).map(\.name)
        #expect(Set(names) == Set([".", "Kitfile", "docs-k1", "model"] + (1...11).map { "part-k\($0)" }))
        #expect(try mount.read("model") == Array("k11".utf8))
        try mount.unmount()
        let (code, message) = try home.bench.failure("inspect", "\(registry.host)/chain:k0")
        #expect(code == 6)
        #expect(message.contains("more than 10 parents"), "\(message)")
    }

    @Test(arguments: [1, 2, 3]) func cycles(_ length: Int) throws {
        for number in 0..<length { try push("c\(number)", parent: "c\((number + 1) % length)") }
        let (code, message) = try home.bench.failure("inspect", "\(registry.host)/chain:c0")
        #expect(code == 6)
        #expect(message.contains("cycle") && message.contains("chain:c\(length - 1)"), "\(message)")
    }

    @Test func aParentThatIsNotThere() throws {
        try push("child", parent: "gone")
        let (code, message) = try home.bench.failure("inspect", "\(registry.host)/chain:child")
        #expect(code == 3)
        #expect(message.contains("gone"), "\(message)")
    }
}
