// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
internal import ModelKit
internal import OCI

/// A layer of the tree.
final class MountedLayer: Sendable {
    let layer: Layer
    let declared: KitLayer
    /// Its position among the mount's layers, in the order of the manifest, parents' first.
    let ordinal: Int
    /// Layers, by ordinal, that may have names where this one has.
    let overlaps: [Int]
    /// Whether it is read while it is fetched.
    let isStreamed: Bool

    init(layer: Layer, declared: KitLayer, ordinal: Int, overlaps: [Int], isStreamed: Bool) {
        self.layer = layer
        self.declared = declared
        self.ordinal = ordinal
        self.overlaps = overlaps
        self.isStreamed = isStreamed
    }

    var scope: EntryPath { declared.path }

    /// The entry at a path of the mount, if the layer has it.
    func number(at path: EntryPath, in index: LayerIndex) -> LayerIndex.Number? {
        guard declared.base.contains(path) else { return nil }
        return index.number(at: EntryPath(Array(path.names.dropFirst(declared.base.names.count))))
    }

    func path(of number: LayerIndex.Number, in index: LayerIndex) -> EntryPath {
        EntryPath(declared.base.names + index.path(of: number).names)
    }

    /// Whether the layer needs this path to be a directory, whatever is in it.
    func implies(_ path: EntryPath) -> Bool { path.contains(declared.base) && path != declared.base }

    /// The mode in the layer, or a raw layer's mode in its annotations.
    func mode(_ entry: LayerIndex.Entry) -> UInt16 { declared.file?.mode ?? entry.mode }

    /// The time shown for entries without a useful one: in 1980, stable, and different when the content is.
    func time(_ entry: LayerIndex.Entry) -> Int64 {
        SyntheticTime.shown(declared.file?.modified ?? entry.modified, layer.key.digest)
    }
}

/// Times for entries that kit packed with time 0. Tools that compare times (rsync, make, dataset caches) need one that
/// is stable and changes with the content.
enum SyntheticTime {
    /// 1980-01-01. No model is older.
    private static let start: Int64 = 315_532_800
    private static let secondsOf1980: UInt64 = 366 * 86_400

    static func of(_ digest: Digest) -> Int64 { start + Int64(digest.leadingBits % secondsOf1980) }

    static func shown(_ modified: Int64, _ digest: Digest) -> Int64 { modified >= start ? modified : of(digest) }
}
