// SPDX-License-Identifier: Apache-2.0
public import OCI

/// A ModelKit, or a ModelPack artifact read as one: its manifest, its Kitfile, and its layers in the manifest's order.
public struct Kit: Sendable {
    public let resolved: ResolvedManifest
    public let kitfile: Kitfile
    public let layers: [KitLayer]
    public let hiddenLayers: [HiddenLayer]
    /// The kit that the model comes from, if `model.path` names one.
    public let parent: Reference?

    /// More than any real kit has. It bounds the work that is done for each pair of layers.
    public static let layerLimit = 1024
    /// Elements can outnumber layers: remote datasets have none. It bounds the search for the element of each layer.
    static let elementLimit = 16 * layerLimit

    public init(resolved: ResolvedManifest, kind: ArtifactKind, config: [UInt8]) throws(ModelKitError) {
        let manifest = resolved.manifest
        guard manifest.layers.count <= Self.layerLimit else {
            throw .badConfig(reason: "it has \(manifest.layers.count) layers, over \(Self.layerLimit)")
        }
        self.resolved = resolved
        kitfile =
            switch kind {
            case .modelKit: try Kitfile(parsing: config)
            case .modelPack: try ModelPackConfig(parsing: config).kitfile(of: manifest)
            }
        let elements = kitfile.elements
        guard elements.count <= Self.elementLimit else {
            throw .badConfig(reason: "it names \(elements.count) elements, over \(Self.elementLimit)")
        }
        var matcher = ElementMatcher(elements, kind)
        var layers: [KitLayer] = []
        var hidden: [HiddenLayer] = []
        for descriptor in manifest.layers {
            guard let type = LayerType(descriptor) else {
                hidden.append(HiddenLayer(descriptor: descriptor, reason: "its media type is unknown"))
                continue
            }
            guard let layer = try matcher.layer(descriptor, type) else {
                hidden.append(HiddenLayer(descriptor: descriptor, reason: "its file has no name"))
                continue
            }
            // Two elements that name one path, as `data` and `./data`, give the same layer twice.
            if !layers.contains(where: { $0.isSame(as: layer) }) { layers.append(layer) }
        }
        self.layers = layers
        hiddenLayers = hidden
        parent = layers.contains { $0.kind == .model } ? nil : kitfile.parent
    }

    /// Total size of the layers as the registry has them, in bytes.
    public var size: UInt64 { layers.totalSize }
}
