// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// What `kit pull` has stored needs no network.
@Suite final class LocalFirstSourceTests {
    private let directory: TemporaryDirectory
    private let storage: String
    private let network: MemorySource
    private let bytes = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    private let blob: Descriptor
    private let source: LocalFirstSource

    init() throws {
        directory = try TemporaryDirectory()
        storage = try directory.subdirectory("storage/blobs/sha256")
        network = try MemorySource(reference: "r.io/m:v1")
        blob = try network.add(bytes)
        source = LocalFirstSource(network, blobs: BlobDirectory(parent: directory.path + "/storage"))
    }

    private var file: String { "\(storage)/\(blob.digest.hex)" }

    @Test func whatTheStoreHas() throws {
        try writeFile(file, bytes)
        #expect(try source.bytes(blob) == bytes)
        let range = try #require(ByteRange(start: 1_000_001, count: 1_200_000))
        #expect(try source.bytes(blob, range) == Array(bytes[1_000_001..<2_200_001]))
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(network.requests.isEmpty)
    }

    @Test func whatItLacks() throws {
        #expect(try source.bytes(blob) == bytes)
        #expect(network.requests.count == 1)
    }

    /// A file of another size must be wrong.
    @Test(arguments: [0, 2_499_999, 2_500_001]) func anotherSize(_ size: Int) throws {
        try writeFile(file, Array((bytes + [0]).prefix(size)))
        #expect(try source.bytes(blob) == bytes)
        #expect(network.requests.count == 1)
    }

    @Test func wrongBytesAreDistrusted() throws {
        try writeFile(file, bytes.reversed())
        #expect(try source.bytes(blob) == bytes.reversed())
        #expect(source.distrust(blob))
        #expect(try source.bytes(blob) == bytes)
        #expect(network.requests.count == 1)
        // The bytes of the network are right. There would be no other source.
        #expect(!source.distrust(blob))
        let other = LocalFirstSource(network, blobs: BlobDirectory(parent: directory.path + "/storage"))
        #expect(try other.smallBlob(blob, at: "here") == bytes)
    }

    /// A file that is deleted or truncated while it is read: the rest comes from the network.
    @Test func vanishedInTheMiddle() throws {
        try writeFile(file, bytes)
        var found: [UInt8] = []
        try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) { piece in
            piece.withUnsafeBytes { found.append(contentsOf: $0) }
            if found.count == 1 << 20 { try writeFile(file, Array(bytes.prefix(1 << 20))) }
        }
        #expect(found == bytes)
        #expect(network.requests == [try #require(ByteRange(start: 1 << 20, count: blob.size - 1 << 20))])
        // The store is not used again for a blob that it failed on.
        try writeFile(file, bytes)
        #expect(try source.bytes(blob) == bytes)
        #expect(network.requests.count == 2)
    }

    @Test func whatIsNoFile() throws {
        try Command.check("mkdir", [file])
        #expect(try source.bytes(blob) == bytes)
        try Command.check("rmdir", [file])
        try Command.check("mkfifo", [file])
        let other = LocalFirstSource(network, blobs: BlobDirectory(parent: directory.path + "/storage"))
        #expect(try other.bytes(blob) == bytes)
        #expect(network.requests.count == 2)
    }

    @Test func theConsumersErrorEndsIt() throws {
        struct Full: Error {}
        try writeFile(file, bytes)
        #expect(throws: Full.self) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) { _ in throw Full()
            }
        }
        let cancelled = Cancellation()
        cancelled.cancel()
        #expect(throws: SourceError.cancelled) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: cancelled) { _ in }
        }
        // Neither is a failure of the store.
        #expect(try source.bytes(blob) == bytes)
        #expect(network.requests.isEmpty)
    }

    /// The registry resolves tags. Content with a digest may come from the store.
    @Test func manifests() throws {
        let mine = Array(#"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"\#(blob.digest)","size":1}}"#.utf8)
        let digest = DigestHasher.digest(of: mine)
        try writeFile("\(storage)/\(digest.hex)", mine)
        #expect(try source.resolve(digest).digest == digest)
        let tagged = mine + [32]
        network.setManifest(tagged)
        #expect(try source.resolve().digest == DigestHasher.digest(of: tagged))
        // A damaged document in the store comes from the registry.
        try writeFile("\(storage)/\(digest.hex)", mine + [10])
        network.setManifest(mine)
        #expect(try source.resolve(digest).digest == digest)
    }

    /// `--offline` finds what `kit pull` stored under the name of registry and repository.
    @Test func offline() throws {
        let manifest = Array(
            #"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"\#(blob.digest)","size":\#(blob.size)}}"#.utf8)
        let digest = DigestHasher.digest(of: manifest)
        try writeFile("\(storage)/\(digest.hex)", manifest)
        try writeFile(file, bytes)
        let tags = #"{"v1":{"mediaType":"a/b","digest":"\#(digest)","size":\#(manifest.count)}}"#
        // base64("r.io:5000/team/m")
        try writeFile(
            "\(directory.path)/storage/ci5pbzo1MDAwL3RlYW0vbQ==-tags.json", Array(tags.utf8))
        var settings = SourceSettings(environment: ["KITOPS_HOME": directory.path])
        settings.isOffline = true
        let source = try settings.source(for: Reference(parsing: "r.io:5000/team/m:v1"))
        #expect(try source.resolve().digest == digest)
        #expect(try source.bytes(blob) == bytes)
        for name in ["r.io:5000/team/m:v2", "r.io:5000/team/other:v1", "r.io/team/m:v1"] {
            let source = try settings.source(for: Reference(parsing: name))
            let error = #expect(throws: SourceError.self) { try source.resolve() }
            guard case .unreachable? = error else {
                Issue.record("\(name): \(String(describing: error))")
                return
            }
        }
    }
}
