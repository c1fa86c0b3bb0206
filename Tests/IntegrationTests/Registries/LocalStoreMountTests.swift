// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Kit's local store, for mounts by its own names and as a source of a registry's blobs.
@Suite struct LocalStoreMountTests {
    private static let model = "4529e69374591634aa30749d50981a5767fbaf5822bc2a668acea0c427cce0fd"
    private let bench: CommandFixture

    init() throws { bench = try CommandFixture() }

    /// Without a registry, a kit that the real kit packed shows the files that the real kit unpacked.
    @Test(arguments: [
        ("mymodel:v1", "shared-parent"), ("localhost/mymodel:v1", "shared-parent"), ("team/everything", "ctxdir"),
        ("team/everything:latest", "ctxdir"),
    ])
    func byItsLocalName(_ name: String, _ truth: String) throws {
        bench.environment["KITOPS_HOME"] = Fixtures.directory + "/kit-home"
        let mount = try bench.mount(name, "--offline")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth(truth))
        #expect(try mount.extendedAttribute("", "user.kitfs.reference") == name.withTag)
        try mount.unmount()
    }

    @Test func whatItLacks() throws {
        bench.environment["KITOPS_HOME"] = Fixtures.directory + "/kit-home"
        let tag = try bench.failure("ls", "mymodel")
        #expect(tag.code == 3 && tag.message.contains("it has v1"), "\(tag.message)")
        let name = try bench.failure("ls", "other:v1")
        #expect(name.code == 3 && name.message.contains("HOST/other"), "\(name.message)")
    }

    /// A local store with the blobs of plain-small.
    private func pulled() throws -> String {
        let home = try bench.directory.subdirectory("kit")
        try Command.check("cp", ["-r", Fixtures.layout("plain-small"), home + "/storage"])
        bench.environment["KITOPS_HOME"] = home
        return home + "/storage/blobs/sha256/"
    }

    @Test func whatKitHasPulledMovesNoBlob() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        try registry.resetRequests()
        _ = try pulled()
        let mount = try bench.mount("\(registry.host)/team/kit:v1")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        // The registry resolves the tag.
        #expect(try registry.requests().map(\.uri) == ["/v2/team/kit/manifests/v1"])
        try mount.unmount()
    }

    /// Without the registry, the store resolves the tag.
    @Test func offlineByWhatKitHasPulled() throws {
        let name = "127.0.0.1:\(try freePort())/team/kit"
        _ = try pulled()
        let storage = bench.directory.path + "/kit/storage/"
        let hex = "31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
        let encoded = try Command.check("base64", ["-w0"], input: Array(name.utf8)).output
            .replacing("+", with: "-").replacing("/", with: "_")
        let tags =
            #"{"v1":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\#(hex)","size":1}}"#
        try writeFile(storage + encoded + "-tags.json", Array(tags.utf8))
        let mount = try bench.mount(name + ":v1", "--offline")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        try mount.unmount()
        let (code, message) = try bench.failure("inspect", name + ":v2", "--offline")
        #expect(code == 5 && message.contains("--offline"), "\(message)")
    }

    @Test func wrongBytesInTheStoreComeFromTheRegistry() throws {
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        let blobs = try pulled()
        var bytes = try readFile(blobs + Self.model)
        bytes[1_000_000] ^= 1
        try writeFile(blobs + Self.model, bytes)
        try registry.resetRequests()
        let mount = try bench.mount("\(registry.host)/team/kit:v1")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"))
        // Only that layer is fetched, and its headers again, since those from the store are no longer trusted.
        #expect((bytes.count..<bytes.count + 65_536).contains(try registry.bytesMoved(blob: Self.model)))
        #expect(try registry.totalBlobBytes() == registry.bytesMoved(blob: Self.model))
        #expect(try mount.log().contains("asking elsewhere"))
        try mount.unmount()
    }

    /// A kit of the store itself has no other source.
    @Test func wrongBytesOfALocalKit() throws {
        let home = try bench.directory.subdirectory("home2")
        try Command.check("cp", ["-r", Fixtures.directory + "/kit-home/.", home])
        bench.environment["KITOPS_HOME"] = home
        let model = home + "/storage/blobs/sha256/6435785e28fc85f50542ddb855d7f98a4bcfe46cc08a4fd20cf31f0f780f3585"
        var bytes = try readFile(model)
        bytes[10_000] ^= 1
        try writeFile(model, bytes)
        let mount = try bench.mount("mymodel:v1")
        #expect(mount.openError("assets/v1/model/model.bin") == EIO)
        #expect(try mount.read("assets/v1/data/a.csv").count == 8)
        bytes[10_000] ^= 1
        try writeFile(model, bytes)
        #expect(try mount.read("assets/v1/model/model.bin").count == 50_000)
        try mount.unmount()
    }
}

extension String {
    fileprivate var withTag: String { contains(":") ? self : self + ":latest" }
}
