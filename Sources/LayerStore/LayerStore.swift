// SPDX-License-Identifier: Apache-2.0
public import LayerCache
internal import LayerIndex
public import Logging
public import OCI
private import Synchronization

/// What all layers of a store share.
struct StoreServices: Sendable {
    let cache: CacheDirectory
    /// Caches that are searched before the network, and not written to.
    let shared: [CacheDirectory]
    let logger: Logger
    let threads: StoreThreads
    let space: SpaceManager
    /// Seconds without progress after which a wait ends. Waits may take a little longer, since sources give up by
    /// themselves.
    let timeout: Int
    let timeouts: StoreTimeouts
    let shutdown = Cancellation()
    /// Changes whenever the entries of a layer become known, or are replaced.
    let indexGeneration = SharedCounter()
}

/// How long the store waits for silent peers, and remembers failures.
struct StoreTimeouts: Sendable {
    /// A peer without a heartbeat for this long is stopped or frozen. It keeps its directory, and this process starts
    /// another.
    var holder = Duration.seconds(10)
    /// The kernel retries a failed range at once. For this long, the answer is the same.
    var failure = Duration.seconds(5)
}

/// A counter that is shared by reference.
final class SharedCounter: Sendable {
    private let count = Atomic<UInt64>(0)
    var value: UInt64 { count.load(ordering: .acquiring) }
    func add(_ more: UInt64) { count.wrappingAdd(more, ordering: .acquiringAndReleasing) }
}

/// The layers that this process uses, by key. Each is fetched once, however many mounts and openers want it.
public final class LayerStore: Sendable {
    public let cache: CacheDirectory
    private let services: StoreServices
    /// A key has several layers if descriptors state different sizes: only one of them can be right.
    private let layers = Mutex<[LayerKey: [Layer]]>([:])
    private let ending = Mutex(())

    /// `concurrency`: requests at a time for layers that are wanted as a whole, 1 or more; requests for readers are
    /// additional. `timeout`: seconds without progress after which to give up. `shared`: caches that are searched
    /// before the network, and not written to. `limit`: bytes on disk that the layers may take; nil if only the disk
    /// limits them.
    public convenience init(
        cache: CacheDirectory, shared: [CacheDirectory] = [], concurrency: Int = 5, timeout: Int = 60,
        limit: UInt64? = nil, logger: Logger
    ) {
        self.init(
            cache: cache, shared: shared, concurrency: concurrency, timeout: timeout, limit: limit,
            timeouts: StoreTimeouts(), logger: logger)
    }

    init(
        cache: CacheDirectory, shared: [CacheDirectory] = [], concurrency: Int = 5, timeout: Int, limit: UInt64? = nil,
        timeouts: StoreTimeouts, logger: Logger
    ) {
        self.cache = cache
        let threads = StoreThreads(concurrency: concurrency, timeout: timeout)
        let space = SpaceManager(cache, limit: limit, logger: logger) { threads.idleLayers.releaseAll() }
        services = StoreServices(
            cache: cache, shared: shared, logger: logger, threads: threads, space: space, timeout: timeout,
            timeouts: timeouts)
    }

    /// The layer of a blob, read in a form. If several calls give a source for it, the first source is used.
    /// `claimedSize`: for a compressed raw layer, the file's size in bytes as its kit states it, at most `Int64.max`.
    public func layer(
        _ descriptor: Descriptor, form: LayerForm, claimedSize: UInt64? = nil, source: any BlobSource
    ) -> Layer {
        let key = LayerKey(digest: descriptor.digest, form: form)
        return layers.withLock { layers in
            if let known = layers[key]?.first(where: { $0.descriptor.size == descriptor.size }) { return known }
            let layer = Layer(
                key: key, descriptor: descriptor, claimedSize: claimedSize, source: source, services: services)
            layers[key, default: []].append(layer)
            return layer
        }
    }

    /// Changes whenever the entries of a layer become known, or are replaced.
    public var indexGeneration: UInt64 { services.indexGeneration.value }

    /// Ends everything in progress, and blocks until it has ended, also if another thread ends it. Fetched chunks stay,
    /// and a later fetch resumes from them.
    public func shutDown() {
        ending.withLock { _ in end() }
    }

    private func end() {
        services.shutdown.cancel()
        let transfers = layers.withLock { $0.values.flatMap(\.self) }.compactMap { $0.cancelAll() }
        services.threads.waitUntilIdle()
        for transfer in transfers { transfer.saveSnapshot() }
    }
}
