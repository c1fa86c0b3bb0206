// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerStore
internal import OCI

extension MountedLayer {
    /// Why the layer cannot be part of the tree next to the earlier ones; nil if it can. A reason is reported once.
    func refusal(_ index: LayerIndex, beside others: some Sequence<MountedLayer>) -> FileSystemError? {
        if let path = misplacedEntry(in: index) { return .misplaced(layer.key, path) }
        for other in others {
            if let path = conflict(index, other) { return .conflicting(layer.key, path) }
        }
        return nil
    }

    private func conflict(_ index: LayerIndex, _ other: MountedLayer) -> EntryPath? {
        guard let otherIndex = other.layer.index else { return conflict(with: other, index) }
        return knownConflict(index, with: other, otherIndex) {
            conflict(with: other, index) ?? other.conflict(with: self, otherIndex)
                ?? conflict(index, other, otherIndex, at: scope.contains(other.scope) ? other.scope : scope)
        }
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
