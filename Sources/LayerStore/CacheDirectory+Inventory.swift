// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import SystemPackage

extension CacheDirectory {
    /// How much of a layer's blob is here.
    func cachedBytes(_ key: LayerKey, blobSize: UInt64) -> (bytes: UInt64, isWhole: Bool) {
        if let directory = try? layers.directory(key.description),
            let state = try? StateFile.open(in: directory, key: key), state.blobSize == blobSize,
            (try? state.lifecycle) == .good
        {
            return (blobSize, true)
        }
        guard let directory = try? partial.directory(key.description),
            let state = try? StateFile.open(in: directory, key: key), state.blobSize == blobSize,
            let chunks = try? ChunkMap(state)
        else { return (0, false) }
        return (chunks.presentBytes, (try? state.lifecycle) == .good)
    }

    /// What the cache has of a layer, whoever brought it.
    public func status(_ key: LayerKey, blobSize: UInt64, error: StoreError? = nil) -> Layer.Status {
        let stored = cachedBytes(key, blobSize: blobSize)
        let stage: Layer.Status.Stage =
            stored.isWhole ? .cached : error != nil ? .failed : stored.bytes > 0 ? .partial : .absent
        return Layer.Status(stage: stage, cached: stored.bytes, isVerified: stored.isWhole, error: error)
    }

    /// One layer in the cache.
    public struct StoredLayer: Sendable {
        public let key: LayerKey
        public let isWhole: Bool
        /// Bytes of the blob that are here, and of the whole blob.
        public let cached: UInt64
        public let blobSize: UInt64
        /// Bytes on disk.
        public let allocated: UInt64
        /// Whether a live process lists it or has a file of it open.
        public let isInUse: Bool
    }

    /// What is in the cache, whole layers first. What is no layer of ours is passed over.
    public func storedLayers() throws(StoreError) -> [StoredLayer] {
        do {
            return try [(layers, true), (partial, false)].flatMap { parent, isWhole in
                try parent.names().compactMap { name in
                    guard let key = LayerKey(name), let directory = try? parent.directory(name),
                        let state = try? StateFile.open(in: directory, key: key)
                    else { return nil }
                    let chunks = try ChunkMap(state)
                    return StoredLayer(
                        key: key, isWhole: isWhole, cached: isWhole ? state.blobSize : chunks.presentBytes,
                        blobSize: state.blobSize, allocated: parent.allocated(name),
                        isInUse: state.isInUse)
                }
            }
        } catch {
            throw .cache("the cache \(path) cannot be read: \(error)")
        }
    }

    /// What a prune did.
    public struct Pruned: Sendable, Equatable {
        public var layers = 0
        /// Bytes on disk that came free.
        public var freed: UInt64 = 0
        /// Layers that are in use and were left.
        public var kept = 0

        public init(layers: Int = 0, freed: UInt64 = 0, kept: Int = 0) {
            self.layers = layers
            self.freed = freed
            self.kept = kept
        }
    }

    /// Evicts all layers that nobody uses, and with them indexes, manifests and what tags meant.
    public func pruneAll() throws(StoreError) -> Pruned {
        var pruned = Pruned()
        do {
            for parent in [layers, partial] {
                // Nothing goes that has no name of ours.
                for name in try parent.names() where LayerKey(name) != nil { try evict(name, in: parent, &pruned) }
            }
            for name in try trash.names() { pruned.freed += reclaim(name, in: trash) }
            if pruned.kept == 0 {
                for parent in [indexes, blobs, refs] {
                    for name in try parent.names() { pruned.freed += reclaim(name, in: parent) }
                }
            }
            return pruned
        } catch {
            throw .cache("the cache \(path) cannot be pruned: \(error)")
        }
    }

    private func evict(_ name: String, in parent: DirectoryHandle, _ pruned: inout Pruned) throws(Errno) {
        let size = parent.allocated(name)
        if let key = LayerKey(name), let directory = try? parent.directory(name),
            let state = try? StateFile.open(in: directory, key: key)
        {
            guard try state.claimAlone(), try OpenLayer.isCurrent(directory, key, parent) else {
                pruned.kept += 1
                return
            }
            try discard(name, in: parent)
        } else {
            try discard(name, in: parent)  // not usable by anyone
        }
        pruned.layers += 1
        pruned.freed += size
    }

    private func reclaim(_ name: String, in parent: DirectoryHandle) -> UInt64 {
        let size = parent.allocated(name)
        parent.removeTree(name)
        return size
    }
}
