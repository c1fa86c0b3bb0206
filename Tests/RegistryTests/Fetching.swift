// SPDX-License-Identifier: Apache-2.0
import OCI
import Registry
import TestSupport
import Testing

extension BlobSource {
    /// The bytes of a range of a blob, or of all of it.
    func bytes(_ blob: Descriptor, _ range: ByteRange? = nil) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try fetch(blob, range: range ?? ByteRange(upTo: blob.size), cancellation: Cancellation()) { piece in
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}

/// A registry that has the kit plain-small as team/kit:v1.
struct FilledRegistry {
    static let manifestHex = "31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
    static let modelHex = "4529e69374591634aa30749d50981a5767fbaf5822bc2a668acea0c427cce0fd"
    let registry: DockerRegistry

    init(htpasswd: DockerRegistry.Credentials? = nil, tls: Bool = false) throws {
        registry = try DockerRegistry(htpasswd: htpasswd, tls: tls)
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        try registry.resetRequests()
    }

    /// - Parameter host: where to connect, if not to the registry itself.
    func source(
        _ name: String = "team/kit:v1", host: String? = nil, _ change: (inout SourceSettings) -> Void = { _ in }
    ) throws -> any ArtifactSource {
        var settings = SourceSettings(environment: [:])
        settings.timeout = 4
        change(&settings)
        return try settings.source(for: Reference(parsing: "\(host ?? registry.host)/\(name)"))
    }

    /// The layer of 2 MiB, and its bytes.
    static func model() throws -> (blob: Descriptor, bytes: [UInt8]) {
        let bytes = try readFile(Fixtures.blob("plain-small", modelHex))
        let type = try #require(MediaType("application/vnd.kitops.modelkit.model.v1.tar"))
        let digest = try #require(Digest(algorithm: .sha256, hex: modelHex))
        return (Descriptor(mediaType: type, digest: digest, size: UInt64(bytes.count)), bytes)
    }
}
