// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerIndex

/// The layers that may be evicted, in order: layers that no process has mounted, then mounted ones without an open
/// file; in each group, the least recently used first.
///
/// The queue is made by one scan of all layers and used until it is stale. Layers come and go meanwhile, so each is
/// checked again at its turn.
struct EvictionQueue: Sendable {
    private var unmounted: ArraySlice<CacheDirectory.StoredLayer>
    private var mounted: ArraySlice<CacheDirectory.StoredLayer>
    private let made = ContinuousClock.now

    /// After this time, many layers may have been used since the scan.
    private static let lifetime = Duration.seconds(30)

    init(_ cache: CacheDirectory) throws(StoreError) {
        let stored = try cache.storedLayers().filter { !$0.isOpen }.sorted { $0.lastUse < $1.lastUse }
        unmounted = stored.filter { !$0.isInUse }[...]
        mounted = stored.filter { $0.isInUse && $0.isWhole }[...]
    }

    var isStale: Bool { ContinuousClock.now - made > Self.lifetime }

    /// Bytes on disk that evicting the whole queue would free.
    var allocated: UInt64 { (unmounted + mounted).reduce(0) { $0 + $1.allocated } }

    /// Evicts one layer. Returns nil if there is none left that may be evicted.
    mutating func evictNext(from cache: CacheDirectory) throws -> CacheDirectory.StoredLayer? {
        while let layer = unmounted.popFirst() {
            guard try !cache.wasUsed(layer) else {
                mounted.append(layer)
                continue
            }
            if try cache.evict(layer) { return layer }
        }
        while let layer = mounted.popFirst() {
            if try cache.evictIdle(layer) { return layer }
        }
        return nil
    }
}

extension CacheDirectory {
    /// Whether a file of the layer was opened since the scan; false if the layer is gone.
    fileprivate func wasUsed(_ layer: StoredLayer) throws -> Bool {
        let parent = layer.isWhole ? layers : partial
        // A layer that is gone or cannot be examined is left to `evict`, which reports it.
        guard let directory = try? parent.directory(layer.key.description),
            let state = try? directory.attributes(of: StateFile.name)
        else { return false }
        return state.modified > layer.lastUse
    }
}
