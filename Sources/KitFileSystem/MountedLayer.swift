// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
internal import ModelKit
internal import OCI
private import Synchronization

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
    /// By the index's epoch: the first entry that is misplaced.
    private let misplaced = Mutex<[UInt8: EntryPath?]>([:])
    /// Conflicts with earlier layers: a file in one where the other has a directory.
    private let conflicts = Mutex<[Meeting: EntryPath?]>([:])

    private struct Meeting: Hashable {
        let other: Int
        let epoch: UInt8
        let otherEpoch: UInt8
    }

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

    /// The first entry outside of the declared path and the directories above it; nil if there is none. A layer with
    /// such an entry is unusable.
    func misplacedEntry(in index: LayerIndex) -> EntryPath? {
        if let known = misplaced.withLock({ $0[index.epoch] }) { return known }
        let found = findMisplacedEntry(in: index)
        let isNews = misplaced.withLock { $0.updateValue(found, forKey: index.epoch) == nil }
        if isNews, let found { layer.report("“\(found)” is outside of the layer's declared path, \(scope)") }
        return found
    }

    /// A conflict with an earlier layer, searched once both indexes are known.
    func knownConflict(
        _ index: LayerIndex, with other: MountedLayer, _ otherIndex: LayerIndex, find: () -> EntryPath?
    ) -> EntryPath? {
        let meeting = Meeting(other: other.ordinal, epoch: index.epoch, otherEpoch: otherIndex.epoch)
        if let known = conflicts.withLock({ $0[meeting] }) { return known }
        let found = find()
        let isNews = conflicts.withLock { $0.updateValue(found, forKey: meeting) == nil }
        if isNews, let found {
            layer.report("“\(found)” is a directory in one of its kit's layers, and none in another")
        }
        return found
    }

    private func findMisplacedEntry(in index: LayerIndex) -> EntryPath? {
        var number = LayerIndex.root
        for name in scope.names.dropFirst(declared.base.names.count) {
            guard let entry = index.entry(number) else { return nil }
            guard case .directory(let children) = entry.kind else { return path(of: number, in: index) }
            if let other = children.first(where: { index.name(of: $0) != name }) { return path(of: other, in: index) }
            guard let next = children.first else { return nil }
            number = next
        }
        return nil
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
