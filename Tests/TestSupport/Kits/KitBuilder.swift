// SPDX-License-Identifier: Apache-2.0

/// Makes a kit in an OCI layout directory, to be pushed with ``DockerRegistry/push(layout:tag:to:)`` or mounted from
/// there.
///
/// By default it writes a kit as `kit pack` 1.7 does. Properties make it write as other tools do: older and newer
/// versions of kit, and ModelPack. Several builders may write into one directory, each with its own tag.
public struct KitBuilder: Sendable {
    /// The kinds of layers, in the order in which a manifest has them.
    public enum Kind: String, Sendable, CaseIterable {
        case model, modelpart, code, prompt, dataset, docs, mcpServer
    }

    public enum Family: String, Sendable, CaseIterable {
        case modelKit
        /// `application/vnd.cncf.model.*`
        case modelPack
        /// `application/vnd.cnai.model.*`, the older name of those types
        case oldModelPack
    }

    public typealias Compression = LayerCompression
    public typealias Written = (manifestHex: String, layerHexes: [String])

    public var family = Family.modelKit
    /// The parent's reference, which a child kit has instead of a model layer: `127.0.0.1:5055/parent:v1`.
    public var modelReference: String?
    /// Whether the config has digests. Kits before 2024 do not, and the names in their tars are relative to the parent
    /// of the element's path.
    public var hasDigests = true
    /// Whether the manifest has media types, as kits after 2025 do. ModelPack manifests always have them.
    public var hasMediaTypes = false
    /// Whether a ModelPack artifact has a Kitfile in its annotations.
    public var hasKitfile = false
    /// Additional keys of the Kitfile, known or not.
    public var kitfileKeys: [String: JSON] = [:]
    let layout: OCILayout
    private(set) var layers: [Layer] = []
    /// Elements without a layer, such as datasets that are stored elsewhere.
    private(set) var elements: [(kind: Kind, fields: [String: JSON])] = []
    private var loose: [(mediaType: String, bytes: [UInt8], annotations: [String: String]?)] = []

    /// - Parameter directory: created when ``write(tag:package:)`` needs it.
    public init(directory: String) {
        layout = OCILayout(directory: directory)
    }

    public mutating func add(_ layer: Layer) { layers.append(layer) }

    /// - Parameters:
    ///   - path: the Kitfile element's path, as its author would spell it.
    ///   - tar: the uncompressed layer, of ``TarBuilder`` for example.
    ///   - name: the element's name; nil leaves it out.
    public mutating func addLayer(
        kind: Kind, path: String, tar: [UInt8], compression: Compression? = nil, name: String? = nil
    ) throws {
        var layer = Layer(kind, path, tar: tar)
        layer.compression = compression
        layer.name = name
        add(layer)
    }

    /// Adds an element of the Kitfile that has no layer.
    public mutating func addElement(_ kind: Kind, _ fields: [String: JSON]) { elements.append((kind, fields)) }

    /// Adds a blob of any type, unchanged and without a Kitfile element. It comes after all layers.
    public mutating func addBlob(mediaType: String, bytes: [UInt8], annotations: [String: String]? = nil) {
        loose.append((mediaType, bytes, annotations))
    }

    /// Writes the blobs, and gives the manifest its tag in the layout's index.
    ///
    /// - Parameter package: the Kitfile's package name.
    /// - Returns: digests in hexadecimal digits; those of the layers in the manifest's order.
    @discardableResult
    public func write(tag: String, package: String) throws -> Written {
        var packed: [PackedLayer] = []
        for layer in Kind.allCases.flatMap({ kind in layers.filter { $0.kind == kind } }) {
            let mediaType = layer.mediaType(in: family)
            let annotations = try layer.descriptorAnnotations(in: family)
            var descriptor =
                try layer.planted.map {
                    OCILayout.Descriptor(
                        mediaType: mediaType, digest: "sha256:" + $0.hex, size: $0.size, annotations: annotations)
                } ?? layout.addBlob(layer.blob, mediaType: mediaType, annotations: annotations)
            descriptor.size = layer.claimedSize ?? descriptor.size
            packed.append(PackedLayer(layer: layer, descriptor: descriptor))
        }
        let all =
            try packed.map(\.descriptor)
            + loose.map { try layout.addBlob($0.bytes, mediaType: $0.mediaType, annotations: $0.annotations) }
        let kitfile = kitfile(package: package, packed)
        let config = family == .modelKit ? kitfile : modelPackConfig(package: package, packed)
        let manifest = manifest(
            config: try layout.addBlob(try config.bytes, mediaType: configType), layers: all,
            annotations: hasKitfile ? [Self.kitfileAnnotation: String(decoding: try kitfile.bytes, as: UTF8.self)] : nil
        )
        let descriptor = try layout.addBlob(try manifest.bytes, mediaType: OCILayout.manifestType)
        try layout.tag(descriptor, as: tag)
        return (descriptor.hex, all.map(\.hex))
    }
}
