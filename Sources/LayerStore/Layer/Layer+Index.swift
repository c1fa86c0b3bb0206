// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import OCI
private import Synchronization
internal import Threading

/// The entries: from the cache, from headers, or from the whole layer.
extension Layer {
    /// Calls back once the entries are known, or cannot be: then with the reason. Returns a name to take the waiter back
    /// with, nil if it was called at once.
    public func requireIndex(_ waiter: @escaping Waiter) -> WaiterID? {
        join(\.index, waiter) { [self] in
            services.local.submit { [self] in
                if let index = storedIndex {
                    setIndex(index)
                } else {
                    services.listing.submit { self.makeIndex($0) }
                }
            }
        }
    }

    /// From our own cache, or, verified, from another.
    private var storedIndex: LayerIndex? {
        if let index = services.cache.loadIndex(key, blobSize: descriptor.size) { return index }
        return services.shared.lazy.compactMap { $0.loadIndex(self.key, blobSize: self.descriptor.size) }
            .first { $0.isVerified }
    }

    /// There is no index file: makes the index from the layer, from its headers, or while it is fetched. Returns what it
    /// fails with.
    private func makeIndex(_ givenUp: StoreError?) -> StoreError? {
        do {
            if adoptCached(), index != nil { return nil }
            if let givenUp { throw givenUp }
            if let index = try listing(services.shutdown) {
                setIndex(index)
                return nil
            }
            requireIndexOfContent()
            return nil
        } catch {
            let error = StoreError(error, layer: key.digest)
            services.logger.error("\(key): cannot be listed: \(error)")
            state.withLock { $0.lastError = error }
            failIndex(error)
            return error
        }
    }

    /// Only the content tells: it is fetched for those who still wait.
    private func requireIndexOfContent() {
        guard state.withLock({ $0.index.isPending }) else { return }
        // A transfer sets the index before it calls back; on failure the waiters get its reason.
        let id = requireContent { error in
            if let error { self.failIndex(error) }
        }
        guard let id else { return }
        // They may have left since.
        let isLeft = state.withLock { state -> Bool in
            guard state.index.isPending else { return true }
            state.indexWaiters.append(id)
            return false
        }
        if isLeft { cancelContent(id) }
    }

    /// The entries without the content, made by one process for all; nil where only the content tells them.
    func listing(_ cancellation: Cancellation) throws -> LayerIndex? {
        // What the source needs to give up comes on top: together, no wait is longer than it may be.
        try services.cache.buildingIndex(key, .milliseconds(services.timeout * 400), cancellation) {
            if let index = services.cache.loadIndex(key, blobSize: descriptor.size) { return index }
            let lister = EntryLister(
                form: key.form, blob: descriptor, claimedSize: claimedSize, source: source,
                cancellation: cancellation)
            guard let index = try lister.list() else { return nil }
            // What a kit claims of a raw layer's size is that kit's own affair.
            if key.form.archive == .raw { return index }
            // It is made again next time if it cannot be kept.
            try? services.cache.saveIndex(index, key, blobSize: descriptor.size)
            return index
        }
    }

    /// The entries by which a transfer places bytes. All processes must do that alike: where one has verified them
    /// meanwhile, what was listed here before does not count.
    func placingIndex(_ cancellation: Cancellation) throws -> LayerIndex? {
        if let index, index.isVerified { return index }
        if let better = services.cache.loadIndex(key, blobSize: descriptor.size), better.isVerified {
            setIndex(better)
            return better
        }
        return try index ?? listing(cancellation)
    }

    /// Takes an index for the layer's; where it is another than the one that was shown, that is told.
    func setIndex(_ index: LayerIndex) {
        let (waiters, isReplaced) = state.withLock { state -> ([Waiter], Bool) in
            guard let known = state.index.value else {
                let waiters = Array(state.index.waiters.values)
                state.index = .ready(index)
                state.indexWaiters = []
                return (waiters, false)
            }
            // A verified index is not replaced by one that is not.
            guard index.isVerified, !known.isVerified else { return ([], false) }
            let isOther = !known.hasSameEntries(as: index)
            // What is open by the old ones may be another file's bytes.
            if isOther { state.wrongGeneration += 1 }
            state.index = .ready(isOther ? index.replacing(known) : index.numbered(as: known))
            return ([], isOther)
        }
        services.indexGeneration.increment()
        for waiter in waiters { waiter(nil) }
        if isReplaced {
            services.logger.notice("\(key): verified, its entries are others than those listed")
            tell(.wrongBytes)
            tell(.entries)
        }
    }

    /// Takes entries that were listed anew in the place of those that were made from wrong bytes.
    func replaceIndex(_ index: LayerIndex?) {
        let isReplaced = state.withLock { state -> Bool in
            state.isIndexDoubtful = false
            guard let index, let known = state.index.value, !known.isVerified, !known.hasSameEntries(as: index) else {
                return false
            }
            state.index = .ready(index.replacing(known))
            return true
        }
        guard isReplaced else { return }
        services.indexGeneration.increment()
        services.logger.notice("\(key): listed anew, its entries are others than those shown")
        tell(.entries)
    }

    func failIndex(_ error: StoreError) {
        let waiters = state.withLock { state -> [Waiter] in
            guard case .pending(let waiters) = state.index else { return [] }
            state.index = .absent
            state.indexWaiters = []
            return Array(waiters.values)
        }
        for waiter in waiters { waiter(error) }
    }
}
