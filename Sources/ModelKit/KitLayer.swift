// SPDX-License-Identifier: Apache-2.0
public import OCI

/// One layer of a kit, and its path in the tree.
public struct KitLayer: Sendable, Equatable {
    public let descriptor: Descriptor
    public let kind: LayerKind
    public let form: LayerForm
    /// The Kitfile's name of the element, for people.
    public let name: String?
    /// The element's path as its author wrote it.
    public let spelledPath: String?
    /// The declared path. The layer's members are at or below it, or are directories above it. Of a raw layer, the path
    /// of its file.
    public let path: EntryPath
    /// The directory that names in the layer are relative to: the root, except in kits without digests in their config.
    /// Of a raw layer, which holds no name, the path itself.
    public let base: EntryPath
    /// The annotations of a raw layer's file.
    public let file: FileAnnotations?

    func isSame(as other: KitLayer) -> Bool {
        descriptor.digest == other.descriptor.digest && form == other.form && path == other.path && base == other.base
    }
}

extension [KitLayer] {
    /// Size in the registry, in bytes; `UInt64.max` if the sum is larger.
    var totalSize: UInt64 {
        reduce(0) { sum, layer in
            let (total, overflow) = sum.addingReportingOverflow(layer.descriptor.size)
            return overflow ? .max : total
        }
    }
}

/// A layer of the manifest that has no part in the tree.
public struct HiddenLayer: Sendable, Equatable {
    public let descriptor: Descriptor
    public let reason: String
}
