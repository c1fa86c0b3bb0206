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
    /// What is still to come of requests for parts of layers.
    private let flying = Mutex<(next: UInt64, rest: [UInt64: @Sendable () -> UInt64])>((0, [:]))
    /// Where layers stood when the disk was full although it says that it has room, and how often.
    private let stuck = Mutex<[LayerKey: (reached: UInt64, tries: Int)]>([:])
    private static let triesWhereStuck = 4
    /// One at a time: two would both take the same room for theirs.
    private let making = Mutex(Allowance())

    /// What may still come without looking at the disk again: others take of the same room meanwhile.
    private struct Allowance: Sendable {
        var bytes: UInt64 = 0
        var until = ContinuousClock.now
        static let limit: UInt64 = 256 << 20
        static let lifetime = Duration.seconds(1)
    }

    /// What was just taken away comes free when the last one who has it open lets go: so often it is looked for, 20 ms
    /// apart.
    private static let patience = 50

    /// Chunks of a run, what is asked for in one request: 16 MiB, and less within a narrow limit, since several runs of a
    /// compressed layer come before they are wanted, and what is made of them takes room, too.
    var runLimit: Int { Int(min(64, max(1, (limit ?? .max) / 64 / StateFile.chunkSize))) }

    init(_ cache: CacheDirectory, limit: UInt64?, logger: Logger) {
        self.cache = cache
        self.limit = limit
        self.logger = logger
    }

    /// Keeps room for what is missing of a layer, until `release`. Throws `StoreError.noSpace` if it cannot be had.
    func reserve(_ key: LayerKey, missing: @escaping @Sendable () -> UInt64) throws {
        try making.withLock { allowance in
            allowance.bytes = 0
            // Anew, where it was reserved before.
            release(key)
            _ = try makeRoom(for: key, missing())
            pending.withLock { $0[key] = missing }
        }
    }

    func release(_ key: LayerKey) { pending.withLock { $0[key] = nil } }

    /// Asks the limit for room for bytes that nobody reserved: of a part of a layer, or of what a compressed one grows to.
    /// The disk tells by itself when it is full. Throws `StoreError.noSpace` if there is none to be made.
    func admit(_ key: LayerKey, _ count: UInt64) throws {
        guard limit != nil else { return }
        try making.withLock { allowance in
            if allowance.bytes >= count, allowance.until > .now {
                allowance.bytes -= count
                return
            }
            let spare = try makeRoom(for: key, count)
            allowance = Allowance(bytes: min(spare / 4, Allowance.limit), until: .now + Allowance.lifetime)
        }
    }

    /// As `admit`, for a request of a layer that was not reserved as a whole; `rest` is what of it is still to come, as
    /// long as `body` runs.
    func admitted<Result>(
        _ key: LayerKey, rest: @escaping @Sendable () -> UInt64, _ body: () throws -> Result
    ) throws -> Result {
        guard limit != nil, pending.withLock({ $0[key] == nil }) else { return try body() }
        try admit(key, rest())
        let id = flying.withLock { flying in
            flying.next += 1
            flying.rest[flying.next] = rest
            return flying.next
        }
        defer { flying.withLock { $0.rest[id] = nil } }
        return try body()
    }

    /// The disk was full in the middle of something. True if there is room for so many bytes now, or for more than there
    /// was. `reached`: grows with what is here of the layer.
    func makeSome(_ wanted: UInt64, for key: LayerKey, reached: UInt64) -> Bool {
        making.withLock { _ in
            let seemsFree = ((try? cache.layers.freeSpace) ?? 0) > wanted
            if var round = try? Round(cache), ((try? round.evictNext(logger)) ?? nil) != nil { return true }
            if seemsFree { return isWorthAnotherTry(key, reached) }
            for _ in 0..<Self.patience {
                if let free = try? cache.layers.freeSpace, free > wanted { return true }
                usleep(20_000)
            }
            return false
        }
    }

    /// The disk says that it has room. That may have come since; or a quota, or its inodes, are used up.
    private func isWorthAnotherTry(_ key: LayerKey, _ reached: UInt64) -> Bool {
        usleep(20_000)
        return stuck.withLock { stuck in
            let tries = stuck[key].map { reached > $0.reached ? 0 : $0.tries } ?? 0
            stuck[key] = (reached, tries + 1)
            return tries < Self.triesWhereStuck
        }
    }

    /// Bytes that the limit leaves beyond what was asked for.
    private func makeRoom(for key: LayerKey, _ missing: UInt64) throws -> UInt64 {
        for _ in 0..<Self.patience {
            let reserved = pending.withLock { $0 }.values.reduce(UInt64(0)) { $0 + $1() }
            let wanted = missing + flying.withLock { $0.rest }.values.reduce(reserved) { $0 + $1() }
            // Without a limit, nothing is looked at but the disk, as long as that has room.
            if limit == nil, wanted <= (try cache.layers.freeSpace) { return 0 }
            var round = try Round(cache)
            while true {
                let isOnDisk = wanted <= (try cache.layers.freeSpace)
                let spare = limit.map { $0 >= round.used + wanted ? $0 - round.used - wanted : nil } ?? 0
                if isOnDisk, let spare { return spare }
                guard try round.evictNext(logger) != nil else { break }
            }
            guard limit.map({ missing <= $0 }) ?? true else { break }
            usleep(20_000)
        }
        throw noSpace(key, missing, try cache.layers.freeSpace)
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
}

extension CacheRoom {
    /// One look at all layers, and what goes of them, in turn: first leftovers (`PruneGoal.leftovers`), then those that nobody
    /// lists, then those of live mounts that have no file open; of each, the longest unused first.
    private struct Round {
        private let cache: CacheDirectory
        private var unlisted: ArraySlice<CacheDirectory.StoredLayer>
        private var idle: ArraySlice<CacheDirectory.StoredLayer>
        private var hasLeftovers = true
        /// Bytes on disk of all layers that are left.
        private(set) var used: UInt64

        init(_ cache: CacheDirectory) throws {
            self.cache = cache
            // What this process keeps open although nobody does any more.
            IdleLayers.shared.releaseAll()
            let stored = try cache.storedLayers().sorted { $0.lastUse < $1.lastUse }
            used = stored.reduce(0) { $0 + $1.allocated }
            unlisted = stored.filter { !$0.isInUse }[...]
            idle = stored[...]
        }

        /// Evicts one; nil if there is none that may go.
        mutating func evictNext(_ logger: Logger) throws -> UInt64? {
            if hasLeftovers {
                hasLeftovers = false
                let freed = try cache.prune(.leftovers).freed
                if freed > 0 { return freed }
            }
            while let layer = unlisted.popFirst() {
                if try cache.evict(layer) { return gone(layer, logger) }
            }
            while let layer = idle.popFirst() {
                if try cache.evictIdle(layer) { return gone(layer, logger) }
            }
            return nil
        }

        private mutating func gone(_ layer: CacheDirectory.StoredLayer, _ logger: Logger) -> UInt64 {
            used -= min(used, layer.allocated)
            logger.notice("evicted layer \(layer.key), \(layer.allocated) bytes, to make room")
            return layer.allocated
        }
    }
}
