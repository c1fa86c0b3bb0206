// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import Threading

/// Finding the entries: in the cache, by headers, or while the whole layer is fetched.
extension Layer {
    /// Calls back once the entries are known, or cannot be: then with the reason. Returns a name to take the waiter back
    /// with, nil if it was called at once.
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

    /// From our own cache, or, verified, from another.
    private var storedIndex: LayerIndex? {
        if let index = services.cache.loadIndex(key, blobSize: descriptor.size) { return index }
        return services.shared.lazy.compactMap { $0.loadIndex(self.key, blobSize: self.descriptor.size) }
            .first { $0.isVerified }
    }

    /// There is no index file: makes the index from the layer, from its headers, or while it is fetched. Returns what it
    /// fails with. `givenUp`: why not to begin.
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

    /// Only the content tells: it is fetched for those who still wait.
    private func requireIndexOfContent() {
        guard indexStage.isPending else { return }
        // A transfer sets the index before it calls back; on failure the waiters get its reason.
        let id = requireContent { error in
            if let error { self.indexStage.fail()(error) }
        }
        // They may have left since.
        if let id, !indexStage.noteContentWaiter(id) { contentStage.cancel(id, self) }
    }

    /// The entries without the content, made by one process for all; nil where only the content tells them.
    func listing(_ cancellation: Cancellation) throws -> LayerIndex? {
        // What the source needs to give up comes on top: together, no wait is longer than it may be.
        try services.cache.buildingIndex(key, .milliseconds(services.timeout * 400), cancellation) {
            if let index = services.cache.loadIndex(key, blobSize: descriptor.size) { return index }
            let lister = EntryLister(
                form: key.form, blob: descriptor, claimedSize: claimedSize, source: source,
                guessing: services.threads.guessing, cancellation: cancellation)
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
        if indexStage.isDoubtful { replaceIndex(try listing(cancellation)) }
        if let index, index.isVerified { return index }
        if let better = services.cache.loadIndex(key, blobSize: descriptor.size), better.isVerified {
            setIndex(better)
            return better
        }
        return try index ?? listing(cancellation)
    }

    /// Takes an index for the layer's; where it is another than the one that was shown, that is told.
    func setIndex(_ index: LayerIndex) {
        let known = indexStage.index
        // What is open by other entries may be another file's bytes: a stream that is opened from now on finds either the old
        // entries, which are about to go, or the new ones.
        if let known, index.isVerified, !known.isVerified, !known.hasSameEntries(as: index) {
            contentStage.countWrongBytes()
        }
        switch indexStage.set(index) {
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

    /// Takes entries that were listed anew in the place of those that were made from wrong bytes.
    private func replaceIndex(_ index: LayerIndex?) {
        guard indexStage.setListedAnew(index) else { return }
        services.indexGeneration.add(1)
        services.logger.notice("\(key): listed anew, its entries are others than those shown")
        tell(.entries)
    }
}
