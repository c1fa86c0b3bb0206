// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ModelKit

/// A reference names a kit, an index with one kit, or neither.
@Suite struct KitLookupTests {
    private typealias Item = (document: [UInt8], type: String, artifactType: String?)

    private static let manifestType = "application/vnd.oci.image.manifest.v1+json"
    private static let hint = "application/vnd.kitops.modelkit.manifest.v1+json"

    private let kit = MadeArtifact(config: #"{"package":{"name":"one"}}"#)
    private let other = MadeArtifact(config: #"{"package":{"name":"two"}}"#)
    private let pack = MadeArtifact(configType: MadeArtifact.packConfig)
    private let image = MadeArtifact(configType: "oci.image.config.v1+json", config: #"{"os":"linux"}"#)

    private static func item(_ artifact: MadeArtifact, _ artifactType: String? = nil) throws -> Item {
        (try artifact.manifest, manifestType, artifactType)
    }

    private static func index(_ items: [Item], type: String? = nil) -> [UInt8] {
        let list = items.map { item in
            #"{"mediaType":"\#(item.type)","digest":"\#(DigestHasher.digest(of: item.document))","#
                + #""size":\#(item.document.count)"# + (item.artifactType.map { #","artifactType":"\#($0)""# } ?? "")
                + "}"
        }
        let said = type.map { #""mediaType":"\#($0)","# } ?? ""
        return Array(#"{"schemaVersion":2,\#(said)"manifests":[\#(list.joined(separator: ","))]}"#.utf8)
    }

    private func find(_ items: [Item], type: String? = nil) throws -> (digest: Digest, kind: ArtifactKind) {
        let source = try MadeSource(Self.index(items, type: type), others: items.map(\.document))
        let (resolved, kind) = try KitLookup(source: source).find()
        return (resolved.digest, kind)
    }

    private func error(_ items: [Item], type: String? = nil) -> ModelKitError? {
        #expect(throws: ModelKitError.self) { try find(items, type: type) }
    }

    @Test func aManifest() throws {
        for (artifact, kind) in [(kit, ArtifactKind.modelKit), (pack, .modelPack)] {
            let found = try KitLookup(source: MadeSource(artifact.manifest)).find()
            #expect(try found.0.digest == artifact.digest && found.1 == kind)
        }
    }

    /// Newer kits state the type twice. The config counts.
    @Test func anArtifactType() throws {
        var said = kit
        said.artifactType = Self.hint
        #expect(try KitLookup(source: MadeSource(said.manifest)).find().1 == .modelKit)
        var image = image
        image.artifactType = Self.hint
        #expect(throws: ModelKitError.self) { try KitLookup(source: MadeSource(image.manifest)).find() }
    }

    @Test func anIndexWithOneKit() throws {
        #expect(try find([Self.item(kit)]).digest == kit.digest)
        #expect(try find([Self.item(pack)]).kind == .modelPack)
        #expect(try find([Self.item(image), Self.item(kit), Self.item(image)]).digest == kit.digest)
    }

    /// If an entry states that it is a kit, images beside it, which may be missing, are not fetched.
    @Test func whatIsSaidToBeAKit() throws {
        let items = try [Self.item(image), Self.item(kit, Self.hint)]
        let source = try MadeSource(Self.index(items), others: [kit.manifest])
        #expect(try KitLookup(source: source).find().0.digest == kit.digest)
        #expect(try source.asked == [kit.digest])
        // Entries that state another type are not fetched either.
        let signature = try Self.item(other, "application/vnd.dev.cosign.artifact.sig.v1+json")
        #expect(try find([signature, Self.item(kit)]).digest == kit.digest)
    }

    @Test func severalKits() throws {
        let found = error(try [Self.item(kit), Self.item(image), Self.item(other)])
        #expect(found == .severalKits([try kit.digest, try other.digest]))
        for digest in [try kit.digest, try other.digest] {
            #expect(found?.description.contains("@\(digest)") == true)
        }
        #expect(
            error(try [Self.item(kit, Self.hint), Self.item(other, Self.hint)])
                == .severalKits([try kit.digest, try other.digest]))
    }

    /// Some tools list a manifest once for each platform.
    @Test func oneKitNamedTwice() throws {
        #expect(try find([Self.item(kit), Self.item(kit)]).digest == kit.digest)
    }

    @Test func noKit() throws {
        let images = error(try [Self.item(image), Self.item(image)])
        #expect(images?.description.contains("an index of a container image") == true)
        #expect(error([]) == .noKitInIndex(found: []))
        #expect(error([])?.description.contains("nothing") == true)
        let signature = error(try [Self.item(other, "application/vnd.dev.cosign.artifact.sig.v1+json")])
        #expect(signature?.description.contains("not a ModelKit") == true)
    }

    @Test func anIndexInAnIndex() throws {
        let inner: Item = (
            Self.index([try Self.item(kit)]), "application/vnd.oci.image.index.v1+json", nil
        )
        #expect(error([inner])?.description.contains("another index") == true)
    }

    @Test func aDockerManifestList() throws {
        let manifest: Item = (try image.manifest, "application/vnd.docker.distribution.manifest.v2+json", nil)
        let found = error([manifest], type: "application/vnd.docker.distribution.manifest.list.v2+json")
        #expect(found?.description.contains("a container image") == true)
    }

    @Test func aManifestThatIsNotThere() throws {
        let source = try MadeSource(Self.index([Self.item(kit)]))
        #expect(throws: SourceError.notFound("no \(try kit.digest)")) { try KitLookup(source: source).find() }
    }

    @Test(arguments: [
        ("oci.image.config.v1+json", "a container image"), ("docker.container.image.v1+json", "a container image"),
        ("cncf.helm.config.v1+json", "a Helm chart"), ("ollama.image.model", "an Ollama model"),
        ("docker.ai.model.config.v0.1+json", "a Docker model"), ("dev.cosign.simplesigning.v1+json", "a signature"),
        ("cncf.notary.signature", "a signature"), ("in-toto+json", "an attestation"),
        ("cyclonedx+json", "a bill of materials"), ("wasm.config.v0+json", "a WebAssembly module"),
        ("oci.empty.v1+json", "an artifact of no stated type"),
        ("example.thing", "of type application/vnd.example.thing"),
    ]) func whatIsNoKitSaysWhatItIs(_ config: String, _ words: String) throws {
        let error = #expect(throws: ModelKitError.self) {
            try KitLookup(source: MadeSource(MadeArtifact(configType: config).manifest)).find()
        }
        #expect(error?.description.contains("it is \(words)") == true, "\(String(describing: error))")
        #expect(error?.description.contains("application/vnd.\(config)") == true)
    }
}
