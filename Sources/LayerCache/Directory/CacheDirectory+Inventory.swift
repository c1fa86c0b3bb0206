// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
public import LayerIndex
internal import OCI
internal import SystemPackage

extension CacheDirectory {
    /// The number of bytes of a layer's blob that are cached, and whether the layer is whole and verified.
    package func cachedBytes(_ key: LayerKey, blobSize: UInt64) -> (bytes: UInt64, isWhole: Bool) {
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

    /// The status of a layer in this cache, whichever process fetched it.
    public func status(_ key: LayerKey, blobSize: UInt64, error: StoreError? = nil) -> LayerStatus {
        let stored = cachedBytes(key, blobSize: blobSize)
        let stage: LayerStatus.Stage =
            stored.isWhole ? .cached : error != nil ? .failed : stored.bytes > 0 ? .partial : .absent
        return LayerStatus(stage: stage, cached: stored.bytes, isVerified: stored.isWhole, error: error)
    }

    /// One layer in the cache.
    public struct StoredLayer: Sendable {
        public let key: LayerKey
        public let isWhole: Bool
        /// Bytes of the blob that are cached, and of the whole blob.
        public let cached: UInt64
        public let blobSize: UInt64
        /// Bytes on disk.
        public let allocated: UInt64
        /// Whether a live process has the layer mounted, has a file of it open, or fills it.
        public let isInUse: Bool
        /// Whether a live process has a file of it open.
        let isOpen: Bool
        /// When a file of the layer was last opened, to a minute; seconds since 1970.
        public let lastUse: Int64
    }

    /// The layers in the cache, whole ones first. Names that are no layer of kitfs are skipped.
    public func storedLayers() throws(StoreError) -> [StoredLayer] {
        do {
            return try [(layers, true), (partial, false)].flatMap { parent, isWhole in
                try parent.names().compactMap { name in
                    guard let key = LayerKey(name), let directory = try? parent.directory(name),
                        let state = try? StateFile.open(in: directory, key: key)
                    else { return nil }
                    let cached = try isWhole ? state.blobSize : ChunkMap(state).presentBytes
                    return StoredLayer(
                        key: key, isWhole: isWhole, cached: cached, blobSize: state.blobSize,
                        allocated: parent.allocated(name), isInUse: state.isInUse,
                        isOpen: state.isClaimedElsewhere(.open),
                        lastUse: try state.file.attributes.modified)
                }
            }
        } catch {
            throw .cache("the cache \(path) cannot be read: \(error)")
        }
    }
}
