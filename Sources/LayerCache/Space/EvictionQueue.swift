// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerIndex

/// What may go of a cache, in turn: first layers that nobody has mounted, then those of live mounts that have no file
/// open; of each, the longest unused first.
///
/// It is made by one look at every layer, and used for as long as that look is worth something: layers come and go
/// meanwhile, so each is looked at again when its turn comes.
struct EvictionQueue: Sendable {
    private var unmounted: ArraySlice<CacheDirectory.StoredLayer>
    private var mounted: ArraySlice<CacheDirectory.StoredLayer>
    private let made = ContinuousClock.now

    /// Layers used since the look may stand further back by now.
    private static let lifetime = Duration.seconds(30)

    init(_ cache: CacheDirectory) throws(StoreError) {
        let stored = try cache.storedLayers().filter { !$0.isOpen }.sorted { $0.lastUse < $1.lastUse }
        unmounted = stored.filter { !$0.isInUse }[...]
        mounted = stored.filter { $0.isInUse && $0.isWhole }[...]
    }

    var isStale: Bool { ContinuousClock.now - made > Self.lifetime }

    /// Bytes on disk that come free if all of it goes.
    var allocated: UInt64 { (unmounted + mounted).reduce(0) { $0 + $1.allocated } }

    /// Evicts one layer; nil if there is none left that may go.
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
    /// Whether a file of the layer was opened since it was looked at; false where it is gone.
    fileprivate func wasUsed(_ layer: StoredLayer) throws -> Bool {
        let parent = layer.isWhole ? layers : partial
        // One that is gone, or cannot be looked at, is left to `evict`, which says so.
        guard let directory = try? parent.directory(layer.key.description),
            let state = try? directory.attributes(of: StateFile.name)
        else { return false }
        return state.modified > layer.lastUse
    }
}
