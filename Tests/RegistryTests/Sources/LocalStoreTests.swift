// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Kit's local store, written by the real kit.
@Suite struct LocalStoreTests {
    static let home = Fixtures.directory + "/kit-home"
    static let mymodel = "sha256:f14f47a33b31e1013e72ef951c89d397d983e1e9458c4d2aa77633b87a7bb876"
    static let everything = "sha256:b7e1ac91e121d4eb015f3ed3c568bca360115613ded40ce6e6034e6affdfc6c9"

    private func source(_ reference: String, home: String = home) throws -> any ArtifactSource {
        try SourceSettings(environment: ["KITOPS_HOME": home]).source(for: Reference(parsing: reference))
    }

    private func error(_ reference: String, home: String = home) -> SourceError? {
        #expect(throws: SourceError.self) { try source(reference, home: home).resolve() }
    }

    @Test(arguments: [
        ("mymodel:v1", mymodel), ("localhost/mymodel:v1", mymodel), ("team/everything:latest", everything),
        ("team/everything", everything), ("localhost/team/everything", everything), ("mymodel@\(mymodel)", mymodel),
        // All repositories share the blobs.
        ("other@\(everything)", everything),
    ]) func found(_ reference: String, _ digest: String) throws {
        #expect(try source(reference).resolve().digest.description == digest)
    }

    @Test func itsBlobs() throws {
        let source = try source("team/everything")
        let manifest = try #require(ResolvedManifest(try source.resolve())).manifest
        #expect(try source.smallBlob(manifest.config, at: "here").starts(with: Array("{".utf8)))
        for layer in manifest.layers {
            #expect(DigestHasher.digest(of: try source.bytes(layer)) == layer.digest)
            if layer.size > 20 {
                let range = try #require(ByteRange(start: 10, count: 7))
                #expect(try source.bytes(layer, range) == Array(try source.bytes(layer)[10..<17]))
            }
        }
        #expect(!manifest.layers.isEmpty)
        // There is no other source.
        #expect(!source.distrust(manifest.config))
    }

    @Test func whatIsNotThere() throws {
        guard case .notFound(let repository)? = error("nope:v1") else {
            Issue.record("nope was found")
            return
        }
        #expect(repository.contains("“nope” has no host") && repository.contains("HOST/nope"))
        #expect(repository.contains(Self.home + "/storage"))
        guard case .notFound(let tag)? = error("mymodel") else {
            Issue.record("latest was found")
            return
        }
        #expect(tag.contains("no tag “latest” of mymodel") && tag.contains("it has v1"))
        guard case .notFound? = error("mymodel@sha256:" + String(repeating: "0", count: 64)) else {
            Issue.record("nothing was found")
            return
        }
        guard case .notFound? = error("mymodel:v1", home: "/nowhere") else {
            Issue.record("found nowhere")
            return
        }
    }

    /// The directories that kit itself uses, in its order.
    @Test(
        arguments: [
            (["KITOPS_HOME": "/k", "XDG_DATA_HOME": "/x", "HOME": "/h"], "/k/storage"),
            (["XDG_DATA_HOME": "/x", "HOME": "/h"], "/x/kitops/storage"),
            (["XDG_DATA_HOME": "/x"], "/x/kitops/storage"),
            (["HOME": "/h"], "/h/.local/share/kitops/storage"),
            (["KITOPS_HOME": "", "HOME": "/h"], "/h/.local/share/kitops/storage"),
            (["KITOPS_HOME": "", "XDG_DATA_HOME": "", "HOME": ""], nil), ([:], nil),
        ] as [([String: String], String?)])
    func whereItIs(_ environment: [String: String], _ path: String?) {
        #expect(LocalStore(environment: environment)?.path == path)
    }

    /// A damaged tags file is reported with its path, and not taken for an empty one.
    @Test(arguments: ["", "{", "[]", #"{"v1":null}"#, #"{"v1":{"mediaType":"a/b","digest":"sha256:0","size":1}}"#])
    func damagedTags(_ text: String) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.subdirectory("storage") + "/bG9jYWxob3N0L215bW9kZWw=-tags.json"
        try writeFile(file, Array(text.utf8))
        guard case .unusable(let reason)? = error("mymodel:v1", home: directory.path) else {
            Issue.record("it should be of no use")
            return
        }
        #expect(reason.contains(file))
    }

    @Test func aRepositoryWithoutTags() throws {
        let directory = try TemporaryDirectory()
        try writeFile(
            try directory.subdirectory("storage") + "/bG9jYWxob3N0L215bW9kZWw=-tags.json", Array("{}".utf8))
        guard case .notFound(let reason)? = error("mymodel:v1", home: directory.path) else {
            Issue.record("there is no tag")
            return
        }
        #expect(!reason.contains("it has"))
    }

    /// The manifest is verified as any other.
    @Test func aManifestOfOtherBytes() throws {
        let directory = try TemporaryDirectory()
        let storage = try directory.subdirectory("storage")
        let blobs = try directory.subdirectory("storage/blobs/sha256")
        let name = "/bG9jYWxob3N0L215bW9kZWw=-tags.json"
        try writeFile(storage + name, readFile(Self.home + "/storage" + name))
        let hex = String(Self.mymodel.dropFirst(7))
        let bytes = try readFile(Self.home + "/storage/blobs/sha256/" + hex)
        try writeFile("\(blobs)/\(hex)", bytes + [32])
        guard case .unusable? = error("mymodel:v1", home: directory.path) else {
            Issue.record("its digest is another")
            return
        }
        try writeFile("\(blobs)/\(hex)", bytes)
        #expect(try source("mymodel:v1", home: directory.path).resolve().digest.description == Self.mymodel)
    }
}
