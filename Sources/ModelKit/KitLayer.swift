// SPDX-License-Identifier: Apache-2.0
public import OCI

/// One layer of a kit, and where in the tree it belongs.
public struct KitLayer: Sendable, Equatable {
    public let descriptor: Descriptor
    public let kind: LayerKind
    public let form: LayerForm
    /// The Kitfile's name of the element, for people.
    public let name: String?
    /// The element's path as its author wrote it.
    public let spelledPath: String?
    /// The declared path: the layer has nothing beside it and the directories above it. Of a raw layer, the file's.
    public let path: EntryPath
    /// What the names in the layer are relative to: the root, except in kits without digests in their config. Of a raw
    /// layer, whose one file has no name in it, the path.
    public let base: EntryPath
    /// What the manifest says of a raw layer's file.
    public let file: FileAnnotations?

    func isSame(as other: KitLayer) -> Bool {
        descriptor.digest == other.descriptor.digest && form == other.form && path == other.path && base == other.base
    }
}

extension [KitLayer] {
    /// Bytes, as the registry has them; the sum never wraps.
    var totalSize: UInt64 {
        reduce(0) { sum, layer in
            let (total, overflow) = sum.addingReportingOverflow(layer.descriptor.size)
            return overflow ? .max : total
        }
    }
}

/// A layer that is in the manifest and not in the tree.
public struct HiddenLayer: Sendable, Equatable {
    public let descriptor: Descriptor
    public let reason: String
}
