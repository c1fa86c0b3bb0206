// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import DurableFiles
package import LayerIndex
package import Logging
internal import OCI
internal import SystemPackage
private import Synchronization
internal import Threading

/// Space for layers, on the cache's disk and within its limit. Space is made by evicting the least recently used
/// layers.
///
/// One caller at a time makes space (`making`): two would count the same free space twice. No lock is held meanwhile.
package final class SpaceManager: Sendable {
    private let cache: CacheDirectory
    /// Bytes on disk that the layers may take; nil if only the disk limits them.
    private let limit: UInt64?
    private let logger: Logger
    /// Closes layers that this process keeps open although nobody reads them.
    private let releaseIdle: @Sendable () -> Void
    private let claims = Mutex(Claims())
    private let making = Monitor<Bool>(false)
    private let books = Mutex(Books())

    /// Bytes that are promised but not written yet. Each closure returns the rest of one promise.
    private struct Claims: Sendable {
        /// Layers that are fetched as a whole.
        var reserved: [LayerKey: @Sendable () -> UInt64] = [:]
        /// Requests for parts of layers.
        var requests: [UInt64: @Sendable () -> UInt64] = [:]
        var lastRequest: UInt64 = 0

        var outstanding: [@Sendable () -> UInt64] { Array(reserved.values) + Array(requests.values) }
    }

    /// Used only by the caller whose turn it is.
    private struct Books: Sendable {
        var usage = CacheUsage()
        var queue: EvictionQueue?
        var allowance = Allowance()
        /// For layers whose write failed although the disk reports space: the bytes of the layer then, and the number
        /// of tries.
        var stuck: [LayerKey: (reached: UInt64, tries: Int)] = [:]
    }

    /// Bytes that may be charged without measuring the disk again. It is short-lived, since others use the same space.
    private struct Allowance: Sendable {
        var bytes: UInt64 = 0
        var until = ContinuousClock.now
        static let limit: UInt64 = 256 << 20
        static let lifetime = Duration.seconds(1)
    }

    private static let triesWhereStuck = 4
    /// An evicted layer's space is freed when the last process that has it open closes it. The disk is checked this
    /// many times, 20 ms apart.
    private static let looks = 50
    private static let lookInterval: UInt32 = 20_000

    /// Chunks in one request, at most: 16 MiB, and less within a narrow limit. Of a compressed layer, several requests
    /// are in progress ahead of the reader, and their decompressed content takes space, too.
    package var runLimit: Int { Int(min(64, max(1, (limit ?? .max) / 64 / StateFile.chunkSize))) }

    package init(
        _ cache: CacheDirectory, limit: UInt64?, logger: Logger, releaseIdle: @escaping @Sendable () -> Void
    ) {
        self.cache = cache
        self.limit = limit
        self.logger = logger
        self.releaseIdle = releaseIdle
    }

    // MARK: Asking

    /// Reserves space for the missing bytes of a layer, until `release`. Throws `StoreError.noSpace` if there is not
    /// enough.
    package func reserve(_ key: LayerKey, missing: @escaping @Sendable () -> UInt64) throws {
        try inTurn {
            books.withLock { $0.allowance.bytes = 0 }
            // An earlier reservation of the same layer is replaced.
            release(key)
            _ = try makeSpace(for: key, missing())
            claims.withLock { $0.reserved[key] = missing }
        }
    }

    package func release(_ key: LayerKey) { claims.withLock { $0.reserved[key] = nil } }

    /// Charges the limit for bytes that nobody reserved: of a part of a layer, or of a compressed layer's content.
    /// Without a limit nothing is charged: the disk reports by itself that it is full. Throws `StoreError.noSpace` if
    /// no space can be made.
    package func charge(_ key: LayerKey, _ count: UInt64) throws {
        guard limit != nil else { return }
        try inTurn {
            let isAllowed = books.withLock { books in
                guard books.allowance.bytes >= count, books.allowance.until > .now else { return false }
                books.allowance.bytes -= count
                return true
            }
            if isAllowed { return }
            let spare = try makeSpace(for: key, count)
            books.withLock {
                $0.allowance = Allowance(bytes: min(spare / 4, Allowance.limit), until: .now + Allowance.lifetime)
            }
        }
    }

    /// As `charge`, for a request of a layer that was not reserved as a whole. `rest` returns the bytes that are still
    /// to come, for as long as `body` runs.
    package func charging<Result>(
        _ key: LayerKey, rest: @escaping @Sendable () -> UInt64, _ body: () throws -> Result
    ) throws -> Result {
        guard limit != nil, claims.withLock({ $0.reserved[key] == nil }) else { return try body() }
        try charge(key, rest())
        let id = claims.withLock { claims in
            claims.lastRequest += 1
            claims.requests[claims.lastRequest] = rest
            return claims.lastRequest
        }
        defer { claims.withLock { $0.requests[id] = nil } }
        return try body()
    }

    /// Called when a write found the disk full. Returns true if there is space for `wanted` bytes now, or more than
    /// there was. `reached`: a number that grows with the bytes of the layer that are here.
    /// `isNeeded`: false once the caller has given up, as where another request of its layer found no space.
    package func reclaim(
        _ wanted: UInt64, for key: LayerKey, reached: UInt64, isNeeded: () -> Bool = { true }
    ) -> Bool {
        inTurn {
            guard isNeeded() else { return false }
            // A disk that cannot be measured counts as full.
            let seemsFree = ((try? cache.layers.freeSpace) ?? 0) > wanted
            if let capacity = try? cache.layers.capacity, capacity < wanted { return false }
            do {
                if try evictOne() { return true }
            } catch {
                logger.warning("space cannot be made in the cache \(cache.path): \(error)")
            }
            if seemsFree { return isWorthAnotherTry(key, reached) }
            for _ in 0..<Self.looks where isNeeded() {
                if let free = try? cache.layers.freeSpace, free > wanted { return true }
                usleep(Self.lookInterval)
            }
            return false
        }
    }

    /// The disk reports space. It may have been freed since the failed write; or a quota or the inodes are exhausted.
    private func isWorthAnotherTry(_ key: LayerKey, _ reached: UInt64) -> Bool {
        usleep(Self.lookInterval)
        return books.withLock { books in
            let tries = books.stuck[key].map { reached > $0.reached ? 0 : $0.tries } ?? 0
            books.stuck[key] = (reached, tries + 1)
            return tries < Self.triesWhereStuck
        }
    }

    // MARK: Making

    private func inTurn<Result>(_ body: () throws -> Result) rethrows -> Result {
        making.wait { isTaken -> Void? in
            if isTaken { return nil }
            isTaken = true
            return ()
        }
        defer { making.update { $0 = false } }
        return try body()
    }

    /// Makes space. Returns the bytes that the limit leaves beyond the request.
    private func makeSpace(for key: LayerKey, _ missing: UInt64) throws -> UInt64 {
        // A request that can never fit evicts nothing.
        let capacity = try cache.layers.capacity
        if let limit, missing > limit { throw noSpace(key, missing, try cache.layers.freeSpace) }
        if missing > capacity { throw noSpace(key, missing, try cache.layers.freeSpace) }
        for _ in 0..<Self.looks {
            while true {
                let outstanding = claims.withLock { $0.outstanding }
                let wanted = outstanding.reduce(missing) { $0 + $1() }
                let (shortage, spare) = try shortage(wanted)
                if shortage == 0 { return spare }
                // If evicting everything would not be enough, nothing is evicted.
                guard try canEvict(shortage), try evictOne() else { break }
            }
            usleep(Self.lookInterval)
        }
        throw noSpace(key, missing, try cache.layers.freeSpace)
    }

    /// Bytes to evict before `wanted` bytes fit, and the bytes that the limit leaves beyond that. Without a limit, only
    /// the disk is measured.
    private func shortage(_ wanted: UInt64) throws -> (shortage: UInt64, spare: UInt64) {
        let free = try cache.layers.freeSpace
        let onDisk = wanted - min(wanted, free)
        guard let limit else { return (onDisk, 0) }
        var usage = books.withLock { $0.usage }
        let used = try usage.bytes(cache)
        books.withLock { [usage] in $0.usage = usage }
        let end = used + wanted
        return end > limit ? (max(onDisk, end - limit), 0) : (onDisk, limit - end)
    }

    /// Whether this many bytes could be evicted. An earlier scan of the layers is used if it found enough.
    private func canEvict(_ bytes: UInt64) throws -> Bool {
        let leftovers = try cache.prune(.leftovers, dryRun: true).freed
        return try leftovers >= bytes || queue(with: bytes - leftovers).allocated >= bytes - leftovers
    }

    /// Deletes leftovers, or else evicts one layer. Returns false if there is none that may be evicted.
    private func evictOne() throws -> Bool {
        if try cache.prune(.leftovers).freed > 0 { return true }
        releaseIdle()
        var queue = try queue(with: 1)
        let gone = try queue.evictNext(from: cache)
        books.withLock { [queue] in $0.queue = queue }
        if let gone { logger.notice("evicted layer \(gone.key), \(gone.allocated) bytes, to make room") }
        return gone != nil
    }

    /// The last queue, if it is fresh and has this many bytes to evict; else a new one.
    private func queue(with bytes: UInt64) throws -> EvictionQueue {
        if let queue = books.withLock({ $0.queue }), !queue.isStale, queue.allocated >= bytes { return queue }
        releaseIdle()
        let queue = try EvictionQueue(cache)
        books.withLock { $0.queue = queue }
        return queue
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
