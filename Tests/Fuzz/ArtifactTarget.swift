// SPDX-License-Identifier: Apache-2.0

@testable import ModelKit
@testable import OCI

extension FuzzTarget {
    /// A kit or a ModelPack, reached from a reference. The input is, separated by NULs: the filters, one a line; the
    /// document that the reference names; the manifest, if that document is an index; the config.
    static let artifact = FuzzTarget(name: "artifact", seeds: { ArtifactReadings.seeds }) { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false).map { Array($0) }
        guard parts.count == 4 else { return }
        let filters = ArtifactReadings.filters(parts[0])
        for document in parts[1...2] { ArtifactReadings.check(document) }
        do {
            let family = try KitFamily.fetch(ArtifactReadings.reference, filters: filters) { reference in
                DocumentSource(reference: reference, first: parts[1], second: parts[2], config: parts[3])
            }
            for member in family.members {
                ManifestReadings.check(member.kit)
                require(member.layers.allSatisfy(member.kit.layers.contains), "a layer of nobody")
            }
            require(family.members.count <= 1 + KitFamily.parentLimit, "\(family.members.count) generations")
            _ = try family.kit.kitfile.yaml()
        } catch {
            require(error is ModelKitError || error is SourceError, "\(error)")
            require(!"\(error)".isEmpty, "an error without words")
        }
    }

    /// The manifest's annotations of a raw layer's file. The input is, separated by NULs: its path, its title and its
    /// metadata.
    static let annotations = FuzzTarget(
        name: "annotations", seeds: { ArtifactReadings.annotations.map { Array($0.utf8) } }
    ) { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard parts.count == 3 else { return }
        for maker in ["org.cncf.model", "org.cnai.model"] {
            let file = FileAnnotations([
                maker + ".filepath": parts[0], "org.opencontainers.image.title": parts[1],
                maker + ".file.metadata+json": parts[2],
            ])
            require(file.path != "" && file.title != "", "a name of no length")
            ManifestReadings.check(file)
        }
    }
}

/// Gives the same documents for every reference and digest, and checks no digest.
private struct DocumentSource: ArtifactSource, OriginSource {
    let reference: Reference
    let first: [UInt8]
    let second: [UInt8]
    let config: [UInt8]

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        try ResolvedDocument(bytes: digest == nil ? first : second, expected: nil, at: "here")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        throw SourceError.notFound("\(blob.digest)")
    }

    func smallBlob(_ blob: Descriptor, at place: String) throws(SourceError) -> [UInt8] { config }
}

enum ArtifactReadings {
    static let reference: Reference = {
        guard let reference = try? Reference(parsing: "r.io/made:v1") else { fatalError("no reference") }
        return reference
    }()

    static func filters(_ bytes: [UInt8]) -> [KitFilter] {
        bytes.split(separator: 10).compactMap { line in
            do throws(KitFilter.ParseError) {
                return try KitFilter(parsing: String(decoding: line, as: UTF8.self))
            } catch {
                require(!error.description.isEmpty, "an error without words")
                return nil
            }
        }
    }

    /// A document is accepted for its own digest, and for no other.
    static func check(_ bytes: [UInt8]) {
        guard let document = try? ResolvedDocument(bytes: bytes, expected: nil, at: "here") else { return }
        require(document.bytes == bytes && document.digest == DigestHasher.digest(of: bytes), "\(document.digest)")
        let again = try? ResolvedDocument(bytes: bytes, expected: document.digest, at: "here")
        require(again?.digest == document.digest, "refused under its own digest")
        let other = try? ResolvedDocument(bytes: bytes + [10], expected: document.digest, at: "here")
        require(other == nil, "taken under another's digest")
    }

    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    private static func descriptor(_ type: String, _ annotations: String = "{}") -> String {
        #"{"mediaType":"application/vnd.\#(type)","digest":"\#(digest)","size":3,"annotations":\#(annotations)}"#
    }

    private static func manifest(_ config: String, _ layers: [String], _ annotations: String = "{}") -> String {
        #"{"schemaVersion":2,"config":\#(descriptor(config)),"layers":[\#(layers.joined(separator: ","))],"#
            + #""annotations":\#(annotations)}"#
    }

    private static func index(_ types: [String]) -> String {
        let list = types.map { type in
            #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(digest)","size":3,"#
                + #""artifactType":"application/vnd.\#(type)"}"#
        }
        return #"{"schemaVersion":2,"manifests":[\#(list.joined(separator: ","))]}"#
    }

    static var seeds: [[UInt8]] {
        let file = #"{\"mode\":420,\"size\":3,\"mtime\":\"2024-05-06T07:08:09+02:00\"}"#
        let weight =
            #"{"org.cncf.model.filepath":"w/a.gguf","org.cncf.model.file.metadata+json":"\#(file)"}"#
        let pack = manifest(
            "cncf.model.config.v1+json",
            [
                descriptor("cncf.model.weight.v1.raw", weight), descriptor("cncf.model.doc.v1.tar"),
                descriptor("cnai.model.dataset.v1.tar+zstd", #"{"org.cnai.model.filepath":"d"}"#),
                descriptor("cncf.model.code.v1.raw", #"{"org.opencontainers.image.title":"run.sh"}"#),
            ])
        let annotated = manifest(
            "cnai.model.config.v1+json", [descriptor("cnai.model.weight.config.v1.raw+gzip", weight)],
            #"{"ml.kitops.modelkit.kitfile":"{\"model\":{\"path\":\"m\",\"parts\":[{\"path\":\"p\"}]}}"}"#)
        let kit = manifest("kitops.modelkit.config.v1+json", [descriptor("kitops.modelkit.code.v1.tar+gzip")])
        let config =
            #"{"descriptor":{"name":"q","licenses":["MIT"],"authors":["A"],"version":"1"},"config":{"format":"gguf"}}"#
        let child = #"{"model":{"path":"r.io/parent:v2"},"code":[{"path":"c","name":"n"}]}"#
        return [
            ["model,docs", pack, "", config], ["", index(["cncf.model.manifest.v1+json"]), annotated, config],
            [
                "code:n,./c\nkitfile", index(["cncf.helm.config.v1+json", "kitops.modelkit.manifest.v1+json"]), kit,
                child,
            ],
            ["model", kit, kit, child],
        ].map { Array($0.joined(separator: "\0").utf8) }
    }

    static let annotations = [
        "a/b\0t\0" + #"{"name":"b","mode":493,"uid":1000,"size":12,"mtime":"2024-05-06T07:08:09.123456789Z"}"#,
        "\0x\0" + #"{"mode":18446744073709551615,"size":9223372036854775808,"mtime":-9223372036854775808}"#,
        "\0\0" + #"{"mtime":"0000-02-29T23:59:60.5-23:59","size":1e3}"#,
    ]
}
