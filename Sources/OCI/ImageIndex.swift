// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials

/// The `index.json` of an OCI image layout: the manifests that it holds, by name.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/image-index.md>.
public struct ImageIndex: Hashable, Sendable {
    public let manifests: [Descriptor]

    /// The annotation under which a layout keeps a manifest's tag.
    public static let tagAnnotation = "org.opencontainers.image.ref.name"

    public init(parsing bytes: [UInt8]) throws(ManifestError) {
        struct Wire: Decodable { let manifests: [Descriptor]? }
        do {
            manifests = try JSONDecoder().decode(Wire.self, from: Data(bytes)).manifests ?? []
        } catch {
            throw .malformed(reason: JSONReason.describe(error))
        }
    }
}
