// SPDX-License-Identifier: Apache-2.0
public import LayerCache
internal import LayerIndex
public import Logging
public import OCI
private import Synchronization

/// What all layers of a store share.
struct StoreServices: Sendable {
    let cache: CacheDirectory
    /// Looked in before the network, and not written to.
    let shared: [CacheDirectory]
    let logger: Logger
    let threads: StoreThreads
    let space: SpaceManager
    /// Seconds without progress after which a wait ends; a little more, since sources give up by themselves.
    let timeout: Int
    let timeouts: StoreTimeouts
    let shutdown = Cancellation()
    /// Changes whenever the entries of a layer become known, or others.
    let indexGeneration = SharedCounter()
}

/// How long others, and what has failed, are given.
struct StoreTimeouts: Sendable {
    /// One who shows no heartbeat for so long is stopped or frozen: it keeps its directory, we start another.
    var holder = Duration.seconds(10)
    /// The kernel asks again at once for a range that failed: for so long the answer is the same.
    var failure = Duration.seconds(5)
}

/// A number that many add to; shared by reference.
final class SharedCounter: Sendable {
    private let count = Atomic<UInt64>(0)
    var value: UInt64 { count.load(ordering: .acquiring) }
    func add(_ more: UInt64) { count.wrappingAdd(more, ordering: .acquiringAndReleasing) }
}

/// The layers that this process uses, kept by digest: each is fetched once, however many mounts and openers ask.
public final class LayerStore: Sendable {
    public let cache: CacheDirectory
    private let services: StoreServices
    /// Several of a key where descriptors tell different sizes: one of them is wrong.
    private let layers = Mutex<[LayerKey: [Layer]]>([:])
    private let ending = Mutex(())

    /// `concurrency`: requests at a time for what is wanted as a whole, 1 or more; what readers wait for comes on top.
    /// `timeout`: seconds without progress after which to give up.
    /// `shared`: caches to look in before the network, which are not written to. `limit`: bytes on disk that the layers
    /// may take; nil for no limit but the disk.
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

    /// The layer of a blob, read in a form. The first source that is given for it is the one that is asked.
    /// `claimedSize`: of a compressed raw layer, what its kit says of the file's size, at most `Int64.max`.
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

    /// Changes whenever the entries of a layer become known, or others.
    public var indexGeneration: UInt64 { services.indexGeneration.value }

    /// Ends what is under way and blocks until it has ended, whoever ends it. What was fetched stays, to be resumed.
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
