// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import ModelKit

/// Makes kits in memory from a config and a list of layers.
enum MadeKit {
    static let prefix = "application/vnd.kitops.modelkit."

    /// `sha256:` and one digit 64 times: digests are only compared.
    static func digest(_ digit: Character) -> String { "sha256:" + String(repeating: digit, count: 64) }

    /// - Parameter layers: the rest of the media type after `prefix`, and the digest's digit.
    static func manifest(
        config: String, type: String = prefix + "config.v1+json", layers: [(type: String, digit: Character)] = []
    ) -> String {
        let list = layers.map { layer in
            #"{"mediaType":"\#(prefix)\#(layer.type)","digest":"\#(digest(layer.digit))","size":1024}"#
        }
        let hex = Sha256.hex(Array(config.utf8))
        return #"{"schemaVersion":2,"config":{"mediaType":"\#(type)","digest":"sha256:\#(hex)","#
            + #""size":\#(config.utf8.count)},"layers":[\#(list.joined(separator: ","))]}"#
    }

    static func kit(
        _ config: String, kind: ArtifactKind = .modelKit, layers: [(type: String, digit: Character)] = []
    ) throws -> Kit {
        let bytes = Array(manifest(config: config, layers: layers).utf8)
        let document = try ResolvedDocument(bytes: bytes, expected: nil, at: "made")
        return try Kit(resolved: #require(ResolvedManifest(document)), kind: kind, config: Array(config.utf8))
    }

    /// A kit of a fixture layout.
    static func fixture(_ layout: String, _ tag: String = "v1") throws -> Kit {
        let index = try ImageIndex(parsing: readFile(Fixtures.layout(layout) + "/index.json"))
        let tagged = try #require(index.manifests.first { $0.annotations[ImageIndex.tagAnnotation] == tag })
        let document = try ResolvedDocument(
            bytes: readFile(Fixtures.blob(layout, tagged.digest.hex)), expected: tagged.digest, at: layout)
        let resolved = try #require(ResolvedManifest(document))
        return try Kit(
            resolved: resolved, kind: .modelKit,
            config: readFile(Fixtures.blob(layout, resolved.manifest.config.digest.hex)))
    }
}
