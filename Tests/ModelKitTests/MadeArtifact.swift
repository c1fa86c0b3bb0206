// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import TestSupport
import Testing

@testable import ModelKit

/// Manifest and config of an artifact in memory, of any types, with annotations.
struct MadeArtifact {
    struct Layer {
        /// The media type without `application/vnd.`.
        var type: String
        var digit: Character
        var annotations: [String: String] = [:]
    }

    static let kitConfig = "kitops.modelkit.config.v1+json"
    static let packConfig = "cncf.model.config.v1+json"

    /// The media type without `application/vnd.`.
    var configType = kitConfig
    var config = "{}"
    var layers: [Layer] = []
    var artifactType: String?
    var annotations: [String: String] = [:]

    var manifest: [UInt8] {
        get throws {
            let list = try layers.map { layer in
                #"{"mediaType":"application/vnd.\#(layer.type)","digest":"\#(MadeKit.digest(layer.digit))","#
                    + #""size":1024,"annotations":\#(try Self.json(layer.annotations))}"#
            }
            let said = artifactType.map { #""artifactType":"\#($0)","# } ?? ""
            let hex = Sha256.hex(Array(config.utf8))
            return Array(
                (#"{"schemaVersion":2,\#(said)"config":{"mediaType":"application/vnd.\#(configType)","#
                    + #""digest":"sha256:\#(hex)","size":\#(config.utf8.count)},"#
                    + #""layers":[\#(list.joined(separator: ","))],"annotations":\#(try Self.json(annotations))}"#).utf8
            )
        }
    }

    var digest: Digest { get throws { DigestHasher.digest(of: try manifest) } }

    func kit() throws -> Kit {
        let document = try ResolvedDocument(bytes: manifest, expected: nil, at: "made")
        let resolved = try #require(ResolvedManifest(document))
        let kind = try #require(ArtifactKind(config: resolved.manifest.config.mediaType))
        return try Kit(resolved: resolved, kind: kind, config: Array(config.utf8))
    }

    private static func json(_ members: [String: String]) throws -> String {
        "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\(quoted($0.value))" }.joined(separator: ",")
            + "}"
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

/// A source with documents by digest, and the one that the reference names.
final class MadeSource: ArtifactSource, OriginSource {
    let reference: Reference
    private let first: [UInt8]
    private let others: [Digest: [UInt8]]
    private let state = Mutex<[Digest]>([])

    init(_ first: [UInt8], others: [[UInt8]] = []) throws {
        reference = try Reference(parsing: "r.io/made:v1")
        self.first = first
        self.others = Dictionary(
            others.map { (DigestHasher.digest(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Digests that were looked up, in order.
    var asked: [Digest] { state.withLock { $0 } }

    func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        guard let digest else { return try ResolvedDocument(bytes: first, expected: nil, at: "made") }
        state.withLock { $0.append(digest) }
        guard let bytes = others[digest] else { throw .notFound("no \(digest)") }
        return try ResolvedDocument(bytes: bytes, expected: digest, at: "made")
    }

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        throw SourceError.notFound("no \(blob.digest)")
    }
}
