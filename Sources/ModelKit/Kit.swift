// SPDX-License-Identifier: Apache-2.0
public import OCI

/// One layer of a kit, and where in the tree it belongs.
public struct KitLayer: Sendable, Equatable {
    public let descriptor: Descriptor
    public let kind: LayerKind
    public let form: LayerForm
    /// The Kitfile's name of the element, for people.
    public let name: String?
    /// The declared path: the layer has nothing beside it and the directories above it.
    public let path: EntryPath
    /// What the names in the layer are relative to: the root, except in kits without digests in their config.
    public let base: EntryPath
}

/// A ModelKit: its manifest, its Kitfile, and its layers in the manifest's order.
public struct Kit: Sendable {
    public let resolved: ResolvedManifest
    public let kitfile: Kitfile
    public let layers: [KitLayer]
    /// Layers of a type that we do not know: they are not shown.
    public let unknownLayers: [Descriptor]
    /// The kit that the model is taken from, where `model.path` names one.
    public let parent: Reference?

    public init(resolved: ResolvedManifest, config: [UInt8]) throws(ModelKitError) {
        let manifest = resolved.manifest
        guard manifest.config.mediaType == .kitConfig else {
            throw .notModelKit(found: manifest.artifactType ?? manifest.config.mediaType)
        }
        guard manifest.layers.count <= Self.layerLimit else {
            throw .badConfig(reason: "it has \(manifest.layers.count) layers, over \(Self.layerLimit)")
        }
        self.resolved = resolved
        kitfile = try Kitfile(parsing: config)
        let elements = kitfile.elements
        guard elements.count <= Self.elementLimit else {
            throw .badConfig(reason: "it names \(elements.count) elements, over \(Self.elementLimit)")
        }
        var matcher = ElementMatcher(elements)
        var layers: [KitLayer] = []
        var unknown: [Descriptor] = []
        for descriptor in manifest.layers {
            guard let (kind, form) = LayerKind.parse(descriptor.mediaType) else {
                unknown.append(descriptor)
                continue
            }
            let layer = try matcher.layer(descriptor, kind, form)
            // Two elements that name one path, as `data` and `./data`, give the same layer twice.
            if !layers.contains(where: { $0.isSame(as: layer) }) { layers.append(layer) }
        }
        self.layers = layers
        unknownLayers = unknown
        let hasModel = layers.contains { $0.kind == .model }
        parent = hasModel ? nil : kitfile.modelPath.flatMap(Self.parentReference)
    }

    /// Far more than any kit has; what is worked out for each pair of layers stays bounded.
    public static let layerLimit = 1024
    /// Elements may have no layer, as remote datasets do. Each layer looks for its own among all.
    static let elementLimit = 16 * layerLimit

    /// Total size of the layers as the registry has them, in bytes; the sum never wraps.
    public var size: UInt64 {
        layers.reduce(0) { sum, layer in
            let (total, overflow) = sum.addingReportingOverflow(layer.descriptor.size)
            return overflow ? .max : total
        }
    }

    /// A model path is a kit only if it names a host: a plain relative path is a file that the layer lost.
    private static func parentReference(_ path: String) -> Reference? {
        guard let reference = try? Reference(parsing: path), case .registry = reference.origin else { return nil }
        return path.hasPrefix(".") ? nil : reference
    }
}

extension KitLayer {
    func isSame(as other: KitLayer) -> Bool {
        descriptor.digest == other.descriptor.digest && form == other.form && path == other.path && base == other.base
    }
}

/// Finds each layer's Kitfile element: by digest, or in kits older than that by order within the kind.
private struct ElementMatcher {
    private var elements: [Kitfile.Element]
    private let hasDigests: Bool

    init(_ elements: [Kitfile.Element]) {
        self.elements = elements
        hasDigests = elements.contains { $0.digest != nil }
    }

    mutating func layer(
        _ descriptor: Descriptor, _ kind: LayerKind, _ form: LayerForm
    ) throws(ModelKitError) -> KitLayer {
        let digests = hasDigests
        let index = elements.firstIndex {
            $0.kind == kind && (digests ? $0.digest == descriptor.digest : true)
        }
        // A layer that no element claims may be anywhere.
        let element = index.map { elements.remove(at: $0) }
        let path: EntryPath
        do {
            path = try EntryPath(parsing: Array((element?.path ?? ".").utf8))
        } catch {
            throw .badPath(element: element?.name ?? kind.rawValue, reason: "\(error)")
        }
        let base = digests || path.isRoot ? EntryPath.root : EntryPath(path.names.dropLast())
        return KitLayer(
            descriptor: descriptor, kind: kind, form: form, name: element?.name, path: path, base: base)
    }
}
