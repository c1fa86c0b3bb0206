// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import Logging
public import OCI
internal import SystemPackage
internal import Threading

/// The content of a layer: from a cache, or by a transfer.
extension Layer {
    /// Calls back once files can be opened, whole and verified, or with the error why they cannot. Returns an ID to
    /// cancel the waiter by; nil if it was called at once.
    public func requireContent(_ waiter: @escaping Waiter) -> WaiterID? {
        let id = nextWaiterID()
        switch contentStage.addWhole(id, waiter) {
        case .here:
            waiter(nil)
            return nil
        case .refused(let error):
            waiter(error)
            return nil
        case .waiting: break
        // A lookup in the caches has its own threads, so that a cached layer does not wait behind fetches.
        case .first: services.threads.local.submit { self.prepareContent() }
        }
        return id
    }

    /// Calls back once `range` of the uncompressed layer can be read; see `LayerTransfer.want`. Returns an ID to cancel
    /// the waiter by; nil if it was called at once.
    public func requireRange(_ range: ByteRange, ahead: UInt64, _ waiter: @escaping Waiter) -> WaiterID? {
        let id = nextWaiterID()
        if let transfer { return transfer.want(range, ahead: ahead, id: id, waiter) ? id : nil }
        if let error = contentStage.refusal(at: .now) {
            waiter(error)
            return nil
        }
        switch contentStage.addSetupWaiter(id, waiter) {
        case .look:
            waiter(nil)
            return nil
        case .waiting: break
        case .setUp(let setup): startTransfer(setup)
        }
        return id
    }

    private func prepareContent() {
        do {
            if try adoptCached() { return }
            try reserveSpace()
        } catch {
            return failContent(StoreError(error, layer: key.digest))
        }
        switch contentStage.prepared() {
        case .nothing:
            services.space.release(key)
            releaseTransferIfIdle()
        case .bring(let transfer): transfer.wholeWantChanged()
        case .wait: break
        case .setUp(let setup): startTransfer(setup)
        }
    }

    /// Reserves space before anything is fetched. Of a compressed layer only the blob's size is known.
    private func reserveSpace() throws {
        let size = descriptor.size
        try services.space.reserve(key) { [self] in
            let present = transfer?.chunks.presentBytes ?? services.cache.cachedBytes(key, blobSize: size).bytes
            return size - min(size, present)
        }
    }

    private func failContent(_ error: StoreError) {
        services.space.release(key)
        if error != .source(.cancelled) { services.logger.error("\(key): \(error)") }
        contentStage.fail(error)(error)
        releaseTransferIfIdle()
    }

    private func contentArrived(_ open: OpenLayer, _ index: LayerIndex) {
        services.space.release(key)
        setIndex(index)
        contentStage.arrived(open)(nil)
    }

    // MARK: Caches

    /// Opens the layer if it is in a cache, so that `prune` does not evict it during the mount.
    public func claimIfCached() {
        services.threads.local.submit { [self] in
            do {
                _ = try adoptCached()
            } catch {
                services.logger.notice("\(key): whether it is cached cannot be told now: \(error)")
            }
        }
    }

    /// Opens the layer if it is in a cache; false if it is not. Uses no network and no fetch slot. Throws if that
    /// cannot be determined, as when descriptors run out: such an error says nothing about the layer, and is no reason
    /// to fetch it.
    func adoptCached() throws -> Bool {
        if let (open, index) = try cached(in: services.cache) {
            contentArrived(open, index)
            return true
        }
        for cache in services.shared {
            guard let (open, index) = try cachedElsewhere(cache) else { continue }
            contentArrived(open, index)
            return true
        }
        return false
    }

    private func cached(in cache: CacheDirectory) throws -> (OpenLayer, LayerIndex)? {
        guard
            let open = try OpenLayer.open(
                key, blobSize: descriptor.size, in: cache, keeper: services.threads.idleLayers),
            let index = try open.index(in: cache, key, blobSize: descriptor.size)
        else { return nil }
        return (open, index)
    }

    /// As `cached`, for a cache of any owner. A layer that cannot be used there is skipped.
    private func cachedElsewhere(_ cache: CacheDirectory) throws -> (OpenLayer, LayerIndex)? {
        do {
            return try cached(in: cache)
        } catch let error as Errno where error.isShortage {
            throw error
        } catch {
            services.logger.debug("\(key): passed over in the shared cache \(cache.path): \(error)")
            return nil
        }
    }

    // MARK: Transfers

    /// Starts a set-up, which the caller has noted in the stage.
    private func startTransfer(_ setup: Cancellation, isRetry: Bool = false) {
        services.threads.listing.submit { [self] givenUp in
            do {
                try setUpTransfer(setup, givenUp)
                return nil
            } catch is RangesIgnored {
                setupEnded(.source(.unusable("layer \(key.digest): the registry gives no parts of it")))
                return nil
            } catch {
                let error = StoreError(error, layer: key.digest)
                // Not even the state file fits on the disk. The set-up is retried once if space for it can be made.
                if case .noSpace = error, !isRetry, services.space.reclaim(StateFile.chunkSize, for: key, reached: 0) {
                    startTransfer(setup, isRetry: true)
                } else {
                    setupEnded(error)
                }
                return error
            }
        }
    }

    private func setUpTransfer(_ setup: Cancellation, _ givenUp: StoreError?) throws {
        if services.shutdown.isCancelled || setup.isCancelled { throw SourceError.cancelled }
        if try adoptCached() { return setupEnded(nil) }
        if let givenUp { throw givenUp }
        let index = canIndexWithoutContent ? try placingIndex(setup) : nil
        let transfer = try LayerTransfer(
            key: key, blob: descriptor, source: source, services: services, index: index, received: received
        ) { transfer, event in
            self.handle(event, of: transfer)
        }
        // The layer may have been committed between the two lookups. Then the transfer's directory is a new and useless
        // one.
        if try adoptCached() {
            try transfer.partial.discard()
            return setupEnded(nil)
        }
        let (waiters, isWholeWanted) = contentStage.run(transfer)
        transfer.start()
        if isWholeWanted { transfer.wholeWantChanged() }
        waiters(nil)
        releaseTransferIfIdle()
        // A shutdown may have looked for the transfer before the stage had it.
        if services.shutdown.isCancelled, transfer.end(nil) { contentStage.drop(transfer) }
    }

    /// Called when a set-up ends without a transfer: with nil if the layer is cached, else with the error.
    private func setupEnded(_ error: StoreError?) {
        let wasCancelled = error == .source(.cancelled) && !services.shutdown.isCancelled
        switch contentStage.setupEnded(wasCancelled: wasCancelled) {
        case .again(let setup): startTransfer(setup)
        case .over(let waiters, let wasWhole):
            if let error, error != .source(.cancelled) {
                if !wasWhole { services.logger.error("\(key): \(error)") }
                contentStage.note(error)
            }
            waiters(error)
            if wasWhole, let error { failContent(error) }
        }
    }

    private func handle(_ event: LayerTransfer.Event, of transfer: LayerTransfer) {
        switch event {
        case .wholeFailed(let error):
            noteFullDisk(error)
            failContent(error)
        case .ended(.good(let open, let index)):
            contentArrived(open, index)
            contentStage.drop(transfer)
        case .ended(.failed(let error)):
            // Before it is dropped, or the kernel's next read would begin to fill the disk again.
            noteFullDisk(error)
            contentStage.drop(transfer)
            failContent(error)
        case .ended(.wrong(let error, let canRetry)):
            // Readers of the wrong bytes get no more of them.
            let isFirst = contentStage.noteWrong(error)
            indexStage.doubt()
            tell(.wrongBytes)
            contentStage.drop(transfer)
            // Chunks of earlier transfers may have been damaged on this disk, so the layer is fetched once more.
            if canRetry || isFirst && transfer.hadChunks { tryAgain() } else { failContent(error) }
        case .ended(.superseded):
            contentStage.drop(transfer)
            tryAgain()
        }
    }

    private func noteFullDisk(_ error: StoreError) {
        if case .noSpace = error { contentStage.noteFullDisk(error, until: .now + .seconds(1)) }
    }

    /// Starts again for those who still wait for the whole layer.
    private func tryAgain() {
        if services.shutdown.isCancelled { return failContent(.source(.cancelled)) }
        switch contentStage.retry() {
        case .prepare: services.threads.local.submit { self.prepareContent() }
        case .unwanted: failContent(.source(.cancelled))
        case .isPrepared: break
        }
    }

    /// Ends a transfer that nobody waits for or reads from. Its chunks stay, and may be pruned.
    func releaseTransferIfIdle() {
        guard let idle = contentStage.takeIdle(), idle.end(nil) else { return }
        services.threads.snapshots.submit(key) { idle.saveSnapshot() }
    }

    /// Cancels everything in progress: the mount ends. Returns the transfer that was running.
    func cancelAll() -> LayerTransfer? {
        let transfer = contentStage.stop()
        contentStage.fail(.source(.cancelled))(.source(.cancelled))
        services.space.release(key)
        transfer?.end(nil)
        return transfer
    }

    // MARK: Streams

    /// The count of wrong bytes, and the epoch of the index. A stream fails once they differ from those at its opening.
    var streamStanding: (generation: UInt64, epoch: UInt8?) { (contentStage.wrongGeneration, index?.epoch) }

    var otherEntries: StoreError {
        .source(.unusable("layer \(key.digest): its entries are others than when this was opened; open it again"))
    }

    var wrongBytes: StoreError {
        contentStage.verdict.error ?? .source(.unusable("layer \(key.digest): its bytes were wrong"))
    }

    func openedStream() { contentStage.countStream(1) }

    func closedStream() {
        contentStage.countStream(-1)
        releaseTransferIfIdle()
    }
}

extension Errno {
    /// Whether the machine or the process has run out of a resource. Such an error says nothing about a file.
    var isShortage: Bool {
        [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory].contains(self)
    }
}
