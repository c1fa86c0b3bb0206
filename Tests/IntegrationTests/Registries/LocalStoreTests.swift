// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// A kit made by `kit pack` is mounted by its local name, without a registry.
@Suite struct LocalStoreTests {
    @Test(arguments: [
        ("mymodel:v1", "shared-parent"), ("team/everything:latest", "ctxdir"), ("team/everything", "ctxdir"),
    ])
    func ofTheRealKit(_ reference: String, _ truth: String) throws {
        let bench = try CommandFixture()
        bench.environment["KITOPS_HOME"] = Fixtures.directory + "/kit-home"
        let mount = try bench.mount(reference)
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth(truth))
        try mount.unmount()
    }

    /// The store in its default directory.
    @Test(arguments: ["XDG_DATA_HOME", "HOME"]) func places(_ variable: String) throws {
        let bench = try CommandFixture()
        bench.environment["KITOPS_HOME"] = ""
        bench.environment["XDG_DATA_HOME"] = ""
        bench.environment[variable] = try bench.directory.subdirectory("user")
        let parent = try bench.directory.subdirectory(variable == "HOME" ? "user/.local/share" : "user")
        try Command.check("cp", ["-r", Fixtures.directory + "/kit-home", parent + "/kitops"])
        let mount = try bench.mount("mymodel:v1")
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("shared-parent"))
        try mount.unmount()
    }

    @Test func whatIsNotThere() throws {
        let bench = try CommandFixture()
        bench.environment["KITOPS_HOME"] = Fixtures.directory + "/kit-home"
        for reference in ["mymodel:v2", "another:v1", "mymodel"] {
            let (code, message) = try bench.failure("inspect", reference)
            #expect(code == 3, "\(message)")
            #expect(message.contains(reference), "\(message)")
        }
    }

    /// The store's blobs are preferred to a registry's, and verified as any other.
    @Test func blobsForOtherReferences() throws {
        let bench = try CommandFixture()
        let registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("shared-parent"), tag: "v1", to: "team/kit:v1")
        let store = bench.directory.path + "/store"
        try Command.check("cp", ["-r", Fixtures.directory + "/kit-home", store])
        bench.environment["KITOPS_HOME"] = store
        let truth = try Fixtures.truth("shared-parent")
        let first = try bench.mount("\(registry.host)/team/kit:v1")
        expectTree(try TreeScan.scan(first.path), equals: truth)
        try first.unmount()
        let asked = try registry.requests()
        #expect(asked.allSatisfy { $0.blobHex == nil }, "\(asked)")
        // A blob that is wrong in the store comes from the registry.
        try bench.kitfs("cache", "prune", "--all")
        let blobs = try Command.check("find", [store + "/storage/blobs", "-type", "f", "-size", "+1k"]).output
        for blob in blobs.split(separator: "\n").map(String.init) {
            var bytes = try readFile(blob)
            bytes[bytes.count / 2] ^= 1
            try writeFile(blob, bytes)
        }
        let second = try bench.mount("\(registry.host)/team/kit:v1")
        expectTree(try TreeScan.scan(second.path), equals: truth)
        try second.unmount()
    }
}
