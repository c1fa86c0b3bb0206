// SPDX-License-Identifier: Apache-2.0

/// A media type in a descriptor or an HTTP header: `type/subtype`. Parameters are dropped.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc6838#section-4.2>.
public struct MediaType: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public static let imageManifest = MediaType(known: "application/vnd.oci.image.manifest.v1+json")
    public static let imageIndex = MediaType(known: "application/vnd.oci.image.index.v1+json")
    public static let kitConfig = MediaType(known: "application/vnd.kitops.modelkit.config.v1+json")
    /// Older than OCI; registries still give it for older images.
    public static let dockerManifest = MediaType(known: "application/vnd.docker.distribution.manifest.v2+json")
    public static let dockerManifestList = MediaType(
        known: "application/vnd.docker.distribution.manifest.list.v2+json")

    /// nil unless it is `type/subtype` of printable ASCII, 255 characters at most. Parameters are dropped.
    public init?(_ text: some StringProtocol) {
        let bare = text.prefix { $0 != ";" && $0 != " " }
        let parts = bare.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, bare.utf8.count <= 255,
            bare.utf8.allSatisfy(\.isVisible)
        else { return nil }
        description = String(bare)
    }

    private init(known: String) { description = known }
}

extension MediaType: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let type = MediaType(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "“\(text.prefix(80))” is not a media type")
        }
        self = type
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
