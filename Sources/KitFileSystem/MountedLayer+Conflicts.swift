// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
internal import ModelKit
internal import OCI

extension MountedLayer {
    /// Where this layer and another cannot both be part of the tree; nil if they can. Of a layer whose entries are unknown,
    /// the declared path alone counts.
    func conflict(_ index: LayerIndex, with other: MountedLayer, _ otherIndex: LayerIndex?) -> EntryPath? {
        guard let otherIndex else { return conflict(with: other, index) }
        return conflict(with: other, index) ?? other.conflict(with: self, otherIndex)
            ?? conflict(index, other, otherIndex, at: scope.contains(other.scope) ? other.scope : scope)
    }

    /// The first entry outside of the declared path and the directories above it; nil if there is none. A layer with
    /// such an entry is unusable.
    func misplacedEntry(in index: LayerIndex) -> EntryPath? {
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

    /// Where this one has a file above the other's declared path.
    private func conflict(with other: MountedLayer, _ index: LayerIndex) -> EntryPath? {
        for count in other.scope.names.indices {
            let path = EntryPath(Array(other.scope.names.prefix(count)))
            if let number = number(at: path, in: index), index.entry(number)?.isDirectory == false { return path }
        }
        return nil
    }

    private func conflict(
        _ index: LayerIndex, _ other: MountedLayer, _ otherIndex: LayerIndex, at path: EntryPath
    ) -> EntryPath? {
        guard let start = number(at: path, in: index), let otherStart = other.number(at: path, in: otherIndex) else {
            return nil
        }
        var waiting = [(start, otherStart)]
        while let (number, otherNumber) = waiting.popLast() {
            guard let entry = index.entry(number), let otherEntry = otherIndex.entry(otherNumber) else { continue }
            switch (entry.kind, otherEntry.kind) {
            case (.directory(let children), .directory(let others)):
                // The names of the smaller are looked up in the larger.
                for child in children.count < others.count ? children : 0..<0 {
                    guard let name = index.name(of: child) else { continue }
                    if let match = otherIndex.child(of: otherNumber, named: name) { waiting.append((child, match)) }
                }
                for child in children.count < others.count ? 0..<0 : others {
                    guard let name = otherIndex.name(of: child) else { continue }
                    if let match = index.child(of: number, named: name) { waiting.append((match, child)) }
                }
            case (.directory, _), (_, .directory): return self.path(of: number, in: index)
            default: break
            }
        }
        return nil
    }
}
