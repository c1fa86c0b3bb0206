// SPDX-License-Identifier: Apache-2.0
internal import Logging
public import OCI
internal import SystemPackage
private import Synchronization
private import Threading

/// A layer as this process knows it: its entries, its files, and who waits for either.
///
/// Lookups of what is there are answered at once; everything else is asked for with a callback, since no caller here
/// may block. Lock order: `state` is a leaf; it is never held across I/O or a callback.
public final class Layer: Sendable {
    public let key: LayerKey
    public let descriptor: Descriptor
    let source: any BlobSource
    let services: StoreServices

    public typealias Waiter = @Sendable (StoreError?) -> Void
    /// Names a waiter, to take it back.
    public typealias WaiterID = UInt64

    private enum Stage<Value: Sendable> {
        case absent
        case pending([WaiterID: Waiter])
        case ready(Value)
    }

    private struct State: Sendable {
        var index: Stage<LayerIndex> = .absent
        var content: Stage<OpenLayer> = .absent
        var fill: Cancellation?
        var fetched: UInt64 = 0
        var lastError: StoreError?
        /// What speaks against showing it: no fetch makes that better.
        var objection: StoreError?
        /// The index's own place among those who wait for content, where only content tells the entries.
        var indexWaiter: WaiterID?
        /// Verified bytes that cannot be mounted will not become better.
        var isHopeless = false
        var nextWaiter: WaiterID = 1
    }

    private let state = Mutex(State())

    init(key: LayerKey, descriptor: Descriptor, source: any BlobSource, services: StoreServices) {
        self.key = key
        self.descriptor = descriptor
        self.source = source
        self.services = services
    }

    // MARK: What is there

    /// The entries, if they are known already.
    public var index: LayerIndex? {
        state.withLock { if case .ready(let index) = $0.index { index } else { nil } }
    }

    /// Opens a file whose content is here; nil if it must be waited for with `requireContent`.
    public func openFile(content: ByteRange) throws(StoreError) -> LayerFile? {
        guard let open = state.withLock({ if case .ready(let open) = $0.content { open } else { nil } }) else {
            return nil
        }
        do {
            let isOwnFile = LayerLayout.hasOwnFile(content, in: key.form)
            if let file = try open.openFile(content: content, isOwnFile: isOwnFile) { return file }
        } catch {
            throw StoreError(error, layer: key.digest)
        }
        // It was evicted under us, or taken away by hand: fetch it again.
        state.withLock { if case .ready(let current) = $0.content, current === open { $0.content = .absent } }
        return nil
    }

    /// Whether the entries can be told without the content: by an uncompressed tar's headers, or a raw layer's size.
    public var isListable: Bool { key.form.compression == nil }

    // MARK: What is to come

    /// Calls back once the entries are known, or cannot be: then with the reason. Returns a name to take the waiter back
    /// with, nil if it was called at once.
    public func requireIndex(_ waiter: @escaping Waiter) -> WaiterID? {
        join(\.index, waiter) { [self] in
            services.local.submit { [self] in
                if let index = services.cache.loadIndex(key, blobSize: descriptor.size) {
                    setIndex(index)
                } else {
                    services.listing.submit { self.makeIndex() }
                }
            }
        }
    }

    /// Calls back once files can be opened, or why they cannot be. Returns a name to take the waiter back with, nil if
    /// it was called at once.
    public func requireContent(_ waiter: @escaping Waiter) -> WaiterID? {
        join(\.content, waiter) { startFill() }
    }

    private enum Joined { case call(StoreError?), start(WaiterID), wait(WaiterID) }

    /// Waits for a stage with those who do already; the first starts what leads to it.
    private func join<Value>(
        _ stage: WritableKeyPath<State, Stage<Value>>, _ waiter: @escaping Waiter, start: () -> Void
    ) -> WaiterID? {
        let next = state.withLock { state -> Joined in
            let id = state.nextWaiter
            switch state[keyPath: stage] {
            case .ready: return .call(nil)
            case .pending(var waiters):
                waiters[id] = waiter
                state[keyPath: stage] = .pending(waiters)
            case .absent:
                if state.isHopeless { return .call(state.lastError) }
                state[keyPath: stage] = .pending([id: waiter])
                state.nextWaiter += 1
                return .start(id)
            }
            state.nextWaiter += 1
            return .wait(id)
        }
        switch next {
        case .call(let error):
            waiter(error)
            return nil
        case .start(let id):
            start()
            return id
        case .wait(let id):
            return id
        }
    }

    /// Forgets a waiter for entries or content; a fetch ends when nobody else waits for it. What it brought stays, to
    /// be resumed.
    public func cancel(_ id: WaiterID) {
        let indexWaiter = state.withLock { state -> WaiterID? in
            guard case .pending(var waiters) = state.index, waiters.removeValue(forKey: id) != nil else { return nil }
            state.index = waiters.isEmpty ? .absent : .pending(waiters)
            guard waiters.isEmpty else { return nil }
            defer { state.indexWaiter = nil }
            return state.indexWaiter
        }
        if let indexWaiter { cancelContent(indexWaiter) }
        cancelContent(id)
    }

    private func cancelContent(_ id: WaiterID) {
        let fill = state.withLock { state -> Cancellation? in
            guard case .pending(var waiters) = state.content, waiters.removeValue(forKey: id) != nil else { return nil }
            state.content = .pending(waiters)
            return waiters.isEmpty ? state.fill : nil
        }
        fill?.cancel()
    }

    /// Gives up whatever is under way: the mount ends.
    func cancelAll() {
        state.withLock { $0.fill }?.cancel()
    }

    // MARK: Index

    /// There is no index file: makes the index from the layer, from its headers, or while it is fetched.
    private func makeIndex() {
        do {
            if let open = try OpenLayer.open(key, blobSize: descriptor.size, in: services.cache),
                let index = try services.cache.index(of: open, key, blobSize: descriptor.size)
            {
                setIndex(index)
            } else if isListable {
                let index = try LayerIndex.list(key.form, descriptor, source, services.shutdown)
                try services.cache.saveIndex(index, key, blobSize: descriptor.size)
                setIndex(index)
            } else {
                // A fill sets the index before it calls back; on failure the waiters get its reason.
                let id = requireContent { error in
                    if let error { self.failIndex(error) }
                }
                state.withLock { $0.indexWaiter = id }
            }
        } catch {
            let error = StoreError(error, layer: key.digest)
            services.logger.error("\(key): cannot be listed: \(error)")
            state.withLock { $0.lastError = error }
            failIndex(error)
        }
    }

    private func setIndex(_ index: LayerIndex) {
        let waiters = state.withLock { state -> [Waiter] in
            // A verified index is not replaced by one that is not.
            if case .ready(let known) = state.index, known.isVerified, !index.isVerified { return [] }
            defer { state.index = .ready(index) }
            if case .pending(let waiters) = state.index { return Array(waiters.values) }
            return []
        }
        services.indexGeneration.increment()
        for waiter in waiters { waiter(nil) }
    }

    private func failIndex(_ error: StoreError) {
        let waiters = state.withLock { state -> [Waiter] in
            guard case .pending(let waiters) = state.index else { return [] }
            state.index = .absent
            return Array(waiters.values)
        }
        for waiter in waiters { waiter(error) }
    }

    // MARK: Content

    private func startFill() {
        let cancellation = Cancellation()
        state.withLock { $0.fill = cancellation }
        // What is here does not wait behind what is not.
        services.local.submit { [self] in
            if !adoptCached() { services.fetching.submit { self.fill(cancellation) } }
        }
    }

    private func fill(_ cancellation: Cancellation) {
        if services.shutdown.isCancelled { cancellation.cancel() }
        let fill = LayerFill(
            key: key, blob: descriptor, source: source, cache: services.cache, cancellation: cancellation,
            logger: services.logger
        ) { fetched in
            self.state.withLock { $0.fetched = fetched }
        }
        do {
            try fill.run { open, index in contentArrived(open, index) }
        } catch {
            contentFailed(StoreError(error, layer: key.digest))
        }
    }

    private func contentArrived(_ open: OpenLayer, _ index: LayerIndex) {
        if let known = self.index, !known.hasSameEntries(as: index) {
            // What this mount has shown was made from other bytes: its entries would point to the wrong places.
            contentFailed(
                .unusable(layer: key.digest, reason: "its entries are others than those listed; mount it again"))
            return
        }
        setIndex(index)
        let waiters = state.withLock { state -> [Waiter] in
            defer { state.content = .ready(open) }
            state.fill = nil
            state.fetched = descriptor.size
            state.lastError = nil
            if case .pending(let waiters) = state.content { return Array(waiters.values) }
            return []
        }
        for waiter in waiters { waiter(nil) }
    }

    private func contentFailed(_ error: StoreError) {
        if error != .source(.cancelled) { services.logger.error("\(key): \(error)") }
        enum Next { case call([Waiter]), again }
        let next = state.withLock { state -> Next in
            state.fill = nil
            guard case .pending(let waiters) = state.content else { return .call([]) }
            // Cancelled when the last waiter left; if another came meanwhile, it wants the layer.
            if error == .source(.cancelled), !waiters.isEmpty, !services.shutdown.isCancelled { return .again }
            state.content = .absent
            if error != .source(.cancelled) {
                state.lastError = error
                if case .unusable = error { state.isHopeless = true }
            }
            return .call(Array(waiters.values))
        }
        switch next {
        case .again: startFill()
        case .call(let waiters): for waiter in waiters { waiter(error) }
        }
    }

    /// What is wrong with the layer in the eyes of those who show it: logged, and shown by `status`.
    public func report(_ reason: String) {
        let error = StoreError.unusable(layer: key.digest, reason: reason)
        services.logger.error("\(error)")
        state.withLock { $0.objection = error }
    }

    /// Opens the layer if it is in the cache: a live mount's layers are left alone by `prune`.
    public func claimIfCached() {
        services.local.submit { [self] in _ = adoptCached() }
    }

    /// Whether the layer was in the cache; no network, no fetch slot.
    private func adoptCached() -> Bool {
        guard let open = try? OpenLayer.open(key, blobSize: descriptor.size, in: services.cache),
            let index = try? services.cache.index(of: open, key, blobSize: descriptor.size)
        else { return false }
        contentArrived(open, index)
        return true
    }

    // MARK: For people

    /// What `status` and `inspect` show of a layer.
    public struct Status: Sendable, Equatable {
        public enum Stage: String, Sendable { case absent, partial, fetching, cached, failed }
        public let stage: Stage
        /// Bytes of the blob that are in the cache.
        public let cached: UInt64
        public let isVerified: Bool
        public let error: StoreError?
    }

    /// What goes on in this process, without a look at the disk; nil for a layer at rest.
    public var activity: Status? {
        state.withLock { state in
            switch state.content {
            case .ready: Status(stage: .cached, cached: descriptor.size, isVerified: true, error: state.objection)
            case .pending:
                Status(stage: .fetching, cached: state.fetched, isVerified: false, error: state.lastError)
            case .absent:
                (state.lastError ?? state.objection).map {
                    Status(stage: .failed, cached: 0, isVerified: false, error: $0)
                }
            }
        }
    }

    public var status: Status {
        let activity = activity
        if let activity, activity.stage != .failed { return activity }
        return services.cache.status(key, blobSize: descriptor.size, error: activity?.error)
    }
}
