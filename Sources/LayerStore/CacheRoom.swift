// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import OCI
internal import SystemPackage
private import Glibc
private import Synchronization

/// Room in the cache, on its disk and within its limit: made by evicting what was not used for the longest time.
final class CacheRoom: Sendable {
    private let cache: CacheDirectory
    /// Bytes on disk that the layers may take; nil for no limit but the disk.
    private let limit: UInt64?
    private let logger: Logger
    /// What is still to come of layers that are being fetched as a whole.
    private let pending = Mutex<[LayerKey: @Sendable () -> UInt64]>([:])
    /// One at a time: two would both take the same room for theirs.
    private let making = Mutex(())

    init(_ cache: CacheDirectory, limit: UInt64?, logger: Logger) {
        self.cache = cache
        self.limit = limit
        self.logger = logger
    }

    /// Keeps room for what is missing of a layer, until `release`. Throws `StoreError.noSpace` if it cannot be had.
    func reserve(_ key: LayerKey, missing: @escaping @Sendable () -> UInt64) throws {
        try making.withLock { _ in
            try makeRoom(for: key, missing())
            pending.withLock { $0[key] = missing }
        }
    }

    func release(_ key: LayerKey) { pending.withLock { $0[key] = nil } }

    /// The disk was full in the middle of something. True if there is room for so many bytes now.
    func makeSome(_ wanted: UInt64) -> Bool {
        making.withLock { _ in
            if (try? evictNext()) ?? false { return true }
            // What was just taken away comes free when the last one who has it open lets go.
            for _ in 0..<50 {
                if let free = try? cache.layers.freeSpace, free > wanted { return true }
                usleep(20_000)
            }
            return false
        }
    }

    private func makeRoom(for key: LayerKey, _ missing: UInt64) throws {
        let others = pending.withLock { $0 }.filter { $0.key != key }.values.reduce(UInt64(0)) { $0 + $1() }
        var patience = 50
        while true {
            let free = try cache.layers.freeSpace
            let wanted = missing + others
            let isWithinLimit = limit.map { cache.layersSize + wanted <= $0 } ?? true
            if wanted <= free, isWithinLimit { return }
            if try evictNext() { continue }
            // What was just taken away comes free when the last one who has it open lets go.
            patience -= 1
            guard patience > 0, limit.map({ missing <= $0 }) ?? true else { throw noSpace(key, missing, free) }
            usleep(20_000)
        }
    }

    private func noSpace(_ key: LayerKey, _ missing: UInt64, _ free: UInt64) -> StoreError {
        if let limit, missing <= free {
            return .noSpace(
                "layer \(key.digest.short) needs \(missing) bytes, and what is in use leaves no room for it within the "
                    + "cache's limit of \(limit)")
        }
        return .noSpace(
            "layer \(key.digest.short) needs \(missing) bytes, and the cache \(cache.path) has room for \(free)")
    }

    /// Evicts one layer; false if there is none that may go.
    private func evictNext() throws -> Bool {
        IdleLayers.shared.releaseAll()
        let stored = try cache.storedLayers().sorted { $0.lastUse < $1.lastUse }
        for layer in stored where !layer.isInUse {
            if try cache.evict(layer) { return noted(layer) }
        }
        for layer in stored {
            if try cache.evictIdle(layer) { return noted(layer) }
        }
        return false
    }

    private func noted(_ layer: CacheDirectory.StoredLayer) -> Bool {
        logger.notice("evicted layer \(layer.key), \(layer.allocated) bytes, to make room")
        return true
    }
}
