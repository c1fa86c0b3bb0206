// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Finds the Kitfile element of each layer, and with it the layer's path. Elements are matched by digest; in older
/// kits, which have no digests, by their order within a kind.
struct ElementMatcher {
    private var elements: [Kitfile.Element]
    private let hasDigests: Bool
    private let artifact: ArtifactKind

    init(_ elements: [Kitfile.Element], _ artifact: ArtifactKind) {
        self.elements = elements.filter { !$0.isRemote }
        self.artifact = artifact
        hasDigests = elements.contains { $0.digest != nil }
    }

    /// nil for a raw layer that nothing names. Throws `ModelKitError.badPath`.
    mutating func layer(_ descriptor: Descriptor, _ type: LayerType) throws(ModelKitError) -> KitLayer? {
        let element = takeElement(descriptor, type.kind)
        let file = FileAnnotations(descriptor.annotations)
        let isRaw = type.form.archive == .raw
        // The element has the path of kit's own tars, an annotation that of layers packed by other tools.
        let spelled =
            isRaw || artifact == .modelPack ? file.path ?? element?.path ?? file.title : element?.path
        let path: EntryPath
        do {
            // A tar without an element may have members at any path.
            path = try EntryPath(parsing: Array((spelled ?? ".").utf8))
        } catch {
            throw .badPath(element: element?.name ?? type.kind.rawValue, reason: "\(error)")
        }
        if isRaw, path.isRoot { return nil }
        let isRelativeToRoot = hasDigests || artifact == .modelPack || path.isRoot
        let base = isRaw ? path : isRelativeToRoot ? .root : EntryPath(path.names.dropLast())
        return KitLayer(
            descriptor: descriptor, kind: type.kind, form: type.form, name: element?.name, spelledPath: spelled,
            path: path, base: base, file: isRaw ? file : nil)
    }

    private mutating func takeElement(_ descriptor: Descriptor, _ kind: LayerKind) -> Kitfile.Element? {
        let index =
            hasDigests
            ? elements.firstIndex { $0.kind == kind && $0.digest == descriptor.digest }
                ?? elements.firstIndex { $0.digest == descriptor.digest }
            : elements.firstIndex { $0.kind == kind && $0.reference == nil }
        return index.map { elements.remove(at: $0) }
    }
}
