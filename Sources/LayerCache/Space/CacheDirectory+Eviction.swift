// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import DurableFiles
internal import OCI
package import SystemPackage

/// Eviction of layers: the least recently used first. A layer with an open file is never evicted; a mounted one only
/// where space is needed at once.
extension CacheDirectory {
    /// What to prune.
    public enum PruneGoal: Sendable, Equatable {
        /// Trash that was not deleted yet, and partial layers of earlier boots, which a process that wants the layer
        /// would resume.
        case leftovers
        /// Everything that is not in use.
        case all
        /// Layers, the least recently used first, until the others take at most this many bytes on disk.
        case maxSize(UInt64)
        /// Layers that were last used before this time; seconds since 1970.
        case unusedSince(Int64)
    }

    /// What was pruned, or would be.
    public struct Pruned: Sendable, Equatable {
        public var layers = 0
        /// Bytes on disk that were freed.
        public var freed: UInt64 = 0
        /// Layers that match the goal, but are in use and were kept.
        public var kept = 0

        public init(layers: Int = 0, freed: UInt64 = 0, kept: Int = 0) {
            self.layers = layers
            self.freed = freed
            self.kept = kept
        }
    }

    public func prune(_ goal: PruneGoal, dryRun: Bool = false) throws(StoreError) -> Pruned {
        var pruned = Pruned()
        do {
            try pruneLayers(goal, dryRun, &pruned)
            try pruneLeftovers(dryRun, &pruned)
            if goal == .all, pruned.kept == 0 {
                for parent in [indexes, blobs, refs, seen] {
                    for name in try parent.names() { pruned.freed += reclaim(name, in: parent, dryRun) }
                }
            }
            return pruned
        } catch {
            // An exclusive lock needs a file that is open for writing.
            let obstacle = error as? Errno == .badFileDescriptor ? top.writeObstacle : nil
            let error = obstacle ?? error
            throw .cache("the cache \(path) cannot be pruned: \(error)")
        }
    }

    private func pruneLayers(_ goal: PruneGoal, _ dryRun: Bool, _ pruned: inout Pruned) throws {
        if goal == .leftovers { return }
        let stored = try storedLayers().sorted { $0.lastUse < $1.lastUse }
        var total = stored.reduce(0) { $0 + $1.allocated }
        for layer in stored {
            switch goal {
            case .leftovers: return
            case .all: break
            case .maxSize(let size): if total <= size { return }
            case .unusedSince(let time): if layer.lastUse >= time { return }
            }
            let isGone = try dryRun ? !layer.isInUse : evict(layer)
            if isGone {
                pruned.layers += 1
                pruned.freed += layer.allocated
                total -= layer.allocated
            } else {
                pruned.kept += 1
            }
        }
        // A directory with a layer's name but without a valid state is useless.
        if goal == .all {
            for parent in [layers, partial] {
                for name in try parent.names() where LayerKey(name) != nil && !isLayer(name, parent) {
                    pruned.freed += reclaim(name, in: parent, dryRun)
                }
            }
        }
    }

    private func isLayer(_ name: String, _ parent: DirectoryHandle) -> Bool {
        guard let key = LayerKey(name), let directory = try? parent.directory(name) else { return false }
        return (try? StateFile.open(in: directory, key: key)) != nil
    }

    private func pruneLeftovers(_ dryRun: Bool, _ pruned: inout Pruned) throws {
        for name in try trash.names() { pruned.freed += reclaim(name, in: trash, dryRun) }
        for name in try top.names() where Self.isTemporary(name) && isOld(name, in: top) {
            pruned.freed += reclaim(name, in: top, dryRun)
        }
        let partials = try top.directory("partial")
        for name in try partials.names() where Self.isBootID(name) && name != Self.bootID() {
            guard let earlier = try? partials.directory(name) else { continue }
            for layer in try earlier.names() { pruned.freed += try reclaimLayer(layer, ofEarlierBoot: earlier, dryRun) }
            if !dryRun { partials.removeEmptyDirectory(name) }
        }
    }

    /// Bytes freed on disk; 0 if another process is taking the layer over.
    private func reclaimLayer(
        _ name: String, ofEarlierBoot parent: DirectoryHandle, _ dryRun: Bool
    ) throws(Errno) -> UInt64 {
        guard let key = LayerKey(name), isLayer(name, parent), !dryRun else { return reclaim(name, in: parent, dryRun) }
        let size = parent.allocated(name)
        return try evict(key, in: parent) { state throws(Errno) in try state.claimAlone() } ? size : 0
    }

    private func reclaim(_ name: String, in parent: DirectoryHandle, _ dryRun: Bool) -> UInt64 {
        let size = parent.allocated(name)
        if !dryRun { parent.removeTree(name) }
        return size
    }

    /// Evicts a layer that no process has mounted, has open, or fills. Returns false if a process does.
    package func evict(_ layer: StoredLayer) throws(Errno) -> Bool {
        try evict(layer.key, in: layer.isWhole ? layers : partial) { state throws(Errno) in try state.claimAlone() }
    }

    /// Evicts a whole layer that has no file open, mounted or not. Its mounts fetch it again when they need it.
    package func evictIdle(_ layer: StoredLayer) throws(Errno) -> Bool {
        guard layer.isWhole else { return false }
        return try evict(layer.key, in: layers) { state throws(Errno) in try state.claim(.open, .exclusive) }
    }

    private func evict(
        _ key: LayerKey, in parent: DirectoryHandle, claim: (StateFile) throws(Errno) -> Bool
    ) throws(Errno) -> Bool {
        guard let directory = try? parent.directory(key.description),
            let state = try? StateFile.open(in: directory, key: key)
        else { return false }
        // The claim is held until the layer is gone. Otherwise a process that opens it meanwhile would find half of it.
        guard try claim(state), try directory.isNamed(key.description, in: parent) else { return false }
        try discard(key.description, in: parent, ifStill: directory)
        withExtendedLifetime(state) {}
        return true
    }
}
