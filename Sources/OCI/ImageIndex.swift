// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials

/// An OCI image index, also the `index.json` of an image layout: a list of manifests.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/image-index.md>.
public struct ImageIndex: Hashable, Sendable {
    public let manifests: [Descriptor]

    /// The annotation with the tag of a manifest in a layout.
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
