// SPDX-License-Identifier: Apache-2.0

/// Makes a ModelKit as `kit pack` 1.7 does, in an OCI layout directory, for ``DockerRegistry/push(layout:tag:to:)``.
///
/// Several builders may write into one directory, each under a tag of its own.
public struct KitBuilder: Sendable {
    /// The kinds of layers, in the order in which a manifest has them.
    public enum Kind: String, Sendable, CaseIterable {
        case model, modelpart, code, dataset, docs
    }

    public enum Compression: String, Sendable {
        case gzip
    }

    public typealias Written = (manifestHex: String, layerHexes: [String])

    /// A child kit names its parent here instead of having a model layer: `127.0.0.1:5055/parent:v1`.
    public var modelReference: String?
    private let layout: OCILayout
    private var layers: [KitLayer] = []

    /// - Parameter directory: made when ``write(tag:package:)`` needs it.
    public init(directory: String) {
        layout = OCILayout(directory: directory)
    }

    /// - Parameters:
    ///   - path: the Kitfile element's path, as its author would spell it.
    ///   - tar: the uncompressed layer, of ``TarBuilder`` for example.
    ///   - name: the element's name; nil leaves it out.
    public mutating func addLayer(
        kind: Kind, path: String, tar: [UInt8], compression: Compression? = nil, name: String? = nil
    ) throws {
        var bytes = tar
        var mediaType = "application/vnd.kitops.modelkit.\(kind.rawValue).v1.tar"
        if compression == .gzip {
            // With -n there is neither a name nor a time in the header: the same tar gives the same digest.
            bytes = try Command.check("gzip", ["-n"], input: tar).stdout
            mediaType += "+gzip"
        }
        let element = KitElement(
            name: name, path: path, digest: "sha256:" + Sha256.hex(bytes), diffId: "sha256:" + Sha256.hex(tar))
        layers.append(KitLayer(mediaType: mediaType, bytes: bytes, kind: kind, element: element))
    }

    /// A layer as it is, of any type and without a Kitfile element; it comes after all others.
    public mutating func addRawLayer(mediaType: String, bytes: [UInt8], annotations: [String: String]? = nil) {
        layers.append(KitLayer(mediaType: mediaType, bytes: bytes, annotations: annotations))
    }

    /// Writes the blobs, and names the manifest `tag` in the layout's index.
    ///
    /// - Parameter package: the Kitfile's package name.
    /// - Returns: digests in hexadecimal digits; those of the layers in the manifest's order.
    @discardableResult
    public func write(tag: String, package: String) throws -> Written {
        try layout.create()
        let ordered = Kind.allCases.flatMap { kind in layers.filter { $0.kind == kind } }
        let all = ordered + layers.filter { $0.kind == nil }
        let config = KitConfig(package: package, modelReference: modelReference, layers: ordered)
        let manifest = KitManifest(
            config: try layout.addBlob(
                try OCILayout.json(config), mediaType: "application/vnd.kitops.modelkit.config.v1+json"),
            layers: try all.map {
                try layout.addBlob($0.bytes, mediaType: $0.mediaType, annotations: $0.annotations)
            })
        let descriptor = try layout.addBlob(
            try OCILayout.json(manifest), mediaType: "application/vnd.oci.image.manifest.v1+json")
        try layout.tag(descriptor, as: tag)
        return (Self.hex(descriptor), manifest.layers.map(Self.hex))
    }

    private static func hex(_ descriptor: OCILayout.Descriptor) -> String {
        String(descriptor.digest.dropFirst("sha256:".count))
    }
}

struct KitLayer: Sendable {
    var mediaType: String
    var bytes: [UInt8]
    var annotations: [String: String]?
    /// With `element`, the place in the Kitfile; both nil for a layer without one.
    var kind: KitBuilder.Kind?
    var element: KitElement?
}
