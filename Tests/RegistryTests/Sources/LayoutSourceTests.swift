// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite struct LayoutSourceTests {
    private func source(_ text: String) throws -> any ArtifactSource {
        try SourceSettings(environment: [:]).source(for: Reference(parsing: text))
    }

    private func layout(_ name: String) -> String { "oci:" + Fixtures.layout(name) }

    @Test func byTag() throws {
        #expect(try source(layout("sharing") + ":v1").resolve().digest.short == "d68661b143d0")
        #expect(try source(layout("sharing") + ":v2").resolve().digest.short == "b47896414ef4")
    }

    @Test func theOnlyManifestNeedsNoTag() throws {
        #expect(try source(layout("gzip")).resolve().digest.short == "fb4a9a85a285")
    }

    @Test func aMissingTagListsThoseThere() throws {
        let error = #expect(throws: SourceError.self) { try source(layout("sharing") + ":v3").resolve() }
        let directory = Fixtures.layout("sharing")
        #expect(error == .notFound("\(directory) has no tag “v3”; it has v1, v2"))
        // With several artifacts, a tag is required.
        #expect(throws: SourceError.notFound("\(directory) has no tag “latest”; it has v1, v2")) {
            try source(layout("sharing")).resolve()
        }
        #expect(throws: SourceError.self) { try source(layout("gzip") + ":v2").resolve() }
    }

    @Test func byDigest() throws {
        let digest = "sha256:b47896414ef43a966a01d0628eb60f21bc8001a770b1df7da772d50f83fe2fdf"
        #expect(try source(layout("sharing") + "@\(digest)").resolve().digest.description == digest)
        #expect(try source(layout("sharing") + ":v1@\(digest)").resolve().digest.description == digest)
        let missing = "sha256:" + String(repeating: "0", count: 64)
        let error = #expect(throws: SourceError.self) { try source(layout("sharing") + "@\(missing)").resolve() }
        guard case .notFound? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func whatIsNoLayout() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path, directory.path + "/none"] {
            let error = #expect(throws: SourceError.self) { try source("oci:" + path).resolve() }
            #expect(error == .notFound("\(path) is not an OCI image layout: it has no index.json"))
        }
        for index in ["", "x", "[]", #"{"manifests":[{}]}"#] {
            try writeFile(directory.path + "/index.json", Array(index.utf8))
            let error = #expect(throws: SourceError.self) { try source("oci:" + directory.path).resolve() }
            guard case .unusable? = error else {
                Issue.record("\(index): \(String(describing: error))")
                return
            }
        }
    }

    @Test func blobsAndRanges() throws {
        let source = try source(layout("plain-small"))
        let (blob, bytes) = try FilledRegistry.model()
        #expect(try source.bytes(blob) == bytes)
        let middle = try #require(ByteRange(start: 1_000_001, count: 5))
        #expect(try source.bytes(blob, middle) == Array(bytes[1_000_001..<1_000_006]))
        #expect(try source.bytes(blob, ByteRange(upTo: 0)) == [])
        #expect(try source.bytes(blob, ByteRange(start: 2_099_199, count: 1)) == Array(bytes.suffix(1)))
    }

    @Test func damagedLayouts() throws {
        let directory = try TemporaryDirectory()
        try Command.check("cp", ["-r", Fixtures.layout("plain-small") + "/.", directory.path])
        let source = try source("oci:" + directory.path)
        let (blob, bytes) = try FilledRegistry.model()
        let path = directory.path + "/blobs/sha256/" + blob.digest.hex
        try writeFile(path, Array(bytes.prefix(1000)))
        var count = 0
        #expect(throws: SourceError.unusable("\(path) ends at 1000, the manifest says 2099200 bytes")) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) {
                count += $0.byteCount
            }
        }
        #expect(count == 1000)
        try Command.check("rm", [path])
        #expect(throws: SourceError.notFound("\(path) does not exist")) { try source.bytes(blob) }

        let manifest = directory.path + "/blobs/sha256/" + FilledRegistry.manifestHex
        try writeFile(manifest, Array("{}".utf8))
        let error = #expect(throws: SourceError.self) { try source.resolve() }
        #expect(error?.description.contains("should be sha256:" + FilledRegistry.manifestHex) == true)
    }

    @Test func cancellationAndTheCallersErrorsComeOut() throws {
        struct Stop: Error {}
        let source = try source(layout("plain-small"))
        let (blob, _) = try FilledRegistry.model()
        let cancellation = Cancellation()
        #expect(throws: SourceError.cancelled) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: cancellation) { _ in
                cancellation.cancel()
            }
        }
        #expect(throws: Stop.self) {
            try source.fetch(blob, range: ByteRange(upTo: 1), cancellation: Cancellation()) { _ in throw Stop() }
        }
    }
}
