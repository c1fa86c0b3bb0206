// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import Threading

/// Finding the entries: in a cache, by headers, or while the whole layer is fetched.
extension Layer {
    /// Calls back once the entries are known, or with the error why they cannot be. Returns an ID to cancel the waiter
    /// by; nil if it was called at once.
    public func requireIndex(_ waiter: @escaping Waiter) -> WaiterID? {
        if index == nil, let error = contentStage.verdict.finalError {
            waiter(error)
            return nil
        }
        let id = nextWaiterID()
        switch indexStage.add(id, waiter) {
        case .known:
            waiter(nil)
            return nil
        case .waiting: break
        case .first: findIndex()
        }
        return id
    }

    private func findIndex() {
        services.threads.local.submit { [self] in
            if let index = storedIndex {
                setIndex(index)
            } else {
                services.threads.listing.submit { self.makeIndex($0) }
            }
        }
    }

    /// The index from this store's cache, or a verified one from a shared cache.
    private var storedIndex: LayerIndex? {
        if let index = services.cache.loadIndex(key, blobSize: descriptor.size) { return index }
        return services.shared.lazy.compactMap { $0.loadIndex(self.key, blobSize: self.descriptor.size) }
            .first { $0.isVerified }
    }

    /// Makes the index when there is no index file: from the cached layer, from headers, or while the layer is fetched.
    /// Returns the error if that fails. `givenUp`: an error to fail with before anything is fetched.
    private func makeIndex(_ givenUp: StoreError?) -> StoreError? {
        do {
            if try adoptCached(), index != nil { return nil }
            if let givenUp { throw givenUp }
            if let index = try listing(services.shutdown) {
                setIndex(index)
            } else {
                requireIndexOfContent()
            }
            return nil
        } catch {
            let error = StoreError(error, layer: key.digest)
            if error != .source(.cancelled) { services.logger.error("\(key): cannot be listed: \(error)") }
            contentStage.note(error)
            indexStage.fail()(error)
            return error
        }
    }

    /// Fetches the content, since only the content has the entries, if anybody still waits for them.
    private func requireIndexOfContent() {
        guard indexStage.isPending else { return }
        // A transfer sets the index before it calls back. If it fails, the waiters get its error.
        let id = requireContent { error in
            if let error { self.indexStage.fail()(error) }
        }
        // The waiters may have left since.
        if let id, !indexStage.noteContentWaiter(id) { contentStage.cancel(id, self) }
    }

    /// The entries without the content, listed by one process for all. nil if only the content has them.
    func listing(_ cancellation: Cancellation) throws -> LayerIndex? {
        // The source's own time-out may follow this one. Together they stay within the bound of a wait.
        try services.cache.buildingIndex(key, .milliseconds(services.timeout * 400), cancellation) {
            if let index = services.cache.loadIndex(key, blobSize: descriptor.size) { return index }
            let lister = EntryLister(
                form: key.form, blob: descriptor, claimedSize: claimedSize, source: source,
                guessing: services.threads.guessing, cancellation: cancellation)
            guard let index = try lister.list() else { return nil }
            // The size that a kit claims of a raw layer is valid for that kit only, so the index is not saved.
            if key.form.archive == .raw { return index }
            // An index that cannot be saved is made again next time.
            try? services.cache.saveIndex(index, key, blobSize: descriptor.size)
            return index
        }
    }

    /// The entries by which a transfer places bytes. All processes must place bytes alike: once any process has
    /// verified the entries, an earlier listing of this process is not used.
    func placingIndex(_ cancellation: Cancellation) throws -> LayerIndex? {
        if indexStage.isDoubtful { replaceIndex(try listing(cancellation)) }
        if let index, index.isVerified { return index }
        if let better = services.cache.loadIndex(key, blobSize: descriptor.size), better.isVerified {
            setIndex(better)
            return better
        }
        return try index ?? listing(cancellation)
    }

    /// Adopts an index for the layer. If its entries are different from those shown, the observers are told.
    func setIndex(_ index: LayerIndex) {
        // A file that is open by other entries may read another file's bytes. The count comes first, so that a stream opened
        // meanwhile has the old entries, and fails by those.
        let outcome = indexStage.set(index) { contentStage.countWrongBytes() }
        switch outcome {
        case .first(let waiters):
            services.indexGeneration.add(1)
            waiters(nil)
        case .same:
            services.indexGeneration.add(1)
        case .replaced:
            services.indexGeneration.add(1)
            services.logger.notice("\(key): verified, its entries are others than those listed")
            tell(.wrongBytes)
            tell(.entries)
        }
    }

    /// Replaces entries that were made from wrong bytes by a new listing.
    private func replaceIndex(_ index: LayerIndex?) {
        guard indexStage.setListedAnew(index) else { return }
        services.indexGeneration.add(1)
        services.logger.notice("\(key): listed anew, its entries are others than those shown")
        tell(.entries)
    }
}
