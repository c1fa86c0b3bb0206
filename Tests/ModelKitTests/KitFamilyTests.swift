// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import ModelKit

/// An artifact in memory.
struct FakeSource: ArtifactSource, OriginSource {
    let reference: Reference
    let manifest: String
    let config: String

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        try ResolvedDocument(bytes: Array(manifest.utf8), expected: reference.digest, at: "\(reference)")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        try receive(Array(config.utf8).span.bytes)
    }
}

@Suite struct KitFamilyTests {
    private struct Missing: Error, Equatable { let reference: String }

    /// - Parameter kits: config and layers of each kit, by its reference.
    private func family(
        _ first: String, _ kits: [String: (config: String, layers: [(type: String, digit: Character)])]
    ) throws -> KitFamily {
        try KitFamily.fetch(Reference(parsing: first)) { reference in
            guard let kit = kits[reference.description] else { throw Missing(reference: reference.description) }
            return FakeSource(
                reference: reference, manifest: MadeKit.manifest(config: kit.config, layers: kit.layers),
                config: kit.config)
        }
    }

    /// Kits k0, k1 …, each the child of the next; the last has a model.
    private func chain(parents: Int) throws -> KitFamily {
        var kits: [String: (config: String, layers: [(type: String, digit: Character)])] = [:]
        for number in 0..<parents {
            kits["r.io/k\(number):v1"] = (#"{"model":{"path":"r.io/k\#(number + 1):v1"}}"#, [])
        }
        kits["r.io/k\(parents):v1"] = (#"{"model":{"path":"m"}}"#, [("model.v1.tar", "a")])
        return try family("r.io/k0:v1", kits)
    }

    @Test func aKitAlone() throws {
        let found = try chain(parents: 0)
        #expect(found.members.map { $0.source.reference.description } == ["r.io/k0:v1"])
        #expect(found.members.first?.layers.map(\.kind) == [.model])
        #expect(found.kit.parent == nil)
    }

    @Test func ofAParentOnlyModelAndParts() throws {
        let all: [(type: String, digit: Character)] = [
            ("model.v1.tar", "1"), ("modelpart.v1.tar", "2"), ("code.v1.tar", "3"), ("dataset.v1.tar", "4"),
            ("docs.v1.tar", "5"),
        ]
        let found = try family(
            "r.io/child",
            [
                "r.io/child:latest": (#"{"model":{"path":"r.io/parent:v1"}}"#, Array(all.dropFirst())),
                "r.io/parent:v1": (#"{"model":{"path":"m"}}"#, all),
            ])
        #expect(
            found.members.map { $0.layers.map(\.kind) } == [
                [.modelPart, .code, .dataset, .docs], [.model, .modelPart],
            ])
        #expect(found.members.map { $0.kit.layers.count } == [4, 5])
        #expect(found.kit.parent?.description == "r.io/parent:v1")
    }

    @Test func tenParentsAreFollowed() throws {
        let found = try chain(parents: 10)
        #expect(found.members.map { $0.source.reference.description } == (0...10).map { "r.io/k\($0):v1" })
    }

    @Test func elevenAreNot() {
        #expect(throws: ModelKitError.tooManyParents(limit: 10)) { try chain(parents: 11) }
    }

    @Test func cycles() throws {
        let a = try Reference(parsing: "r.io/a:v1")
        let b = try Reference(parsing: "r.io/b:latest")
        #expect(throws: ModelKitError.parentCycle([a, b, a])) {
            try family(
                "r.io/a:v1",
                [
                    "r.io/a:v1": (#"{"model":{"path":"r.io/b:latest"}}"#, []),
                    "r.io/b:latest": (#"{"model":{"path":"r.io/a:v1"}}"#, []),
                ])
        }
        #expect(throws: ModelKitError.parentCycle([a, a])) {
            try family("r.io/a:v1", ["r.io/a:v1": (#"{"model":{"path":"r.io/a:v1"}}"#, [])])
        }
    }

    @Test func aMissingParentIsAnError() {
        #expect(throws: Missing(reference: "r.io/b:latest")) {
            try family("r.io/a:v1", ["r.io/a:v1": (#"{"model":{"path":"r.io/b:latest"}}"#, [])])
        }
    }

    @Test func whatIsNoModelKitIsToldByItsArtifactType() throws {
        let manifest = MadeKit.manifest(config: "{}", type: "application/vnd.oci.empty.v1+json")
            .replacing(#""schemaVersion":2"#, with: #""schemaVersion":2,"artifactType":"a/sbom""#)
        let type = try #require(MediaType("a/sbom"))
        #expect(throws: ModelKitError.notModelKit(found: type)) {
            try KitFamily.fetch(Reference(parsing: "r.io/a")) {
                FakeSource(reference: $0, manifest: manifest, config: "{}")
            }
        }
    }
}
