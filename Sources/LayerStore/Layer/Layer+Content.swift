// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import OCI
private import Synchronization
internal import Threading

/// The content: from the cache, or by a transfer.
extension Layer {
    /// Calls back once files can be opened, whole and verified, or why they cannot be. Returns a name to take the waiter
    /// back with, nil if it was called at once.
    public func requireContent(_ waiter: @escaping Waiter) -> WaiterID? {
        join(\.content, waiter) { startContent() }
    }

    private func startContent() {
        // What is here does not wait behind what is not.
        services.local.submit { [self] in
            if adoptCached() { return }
            do {
                try reserveRoom()
            } catch {
                return failContent(StoreError(error, layer: key.digest))
            }
            // Whoever waited may have left meanwhile.
            guard isContentWanted else { return leaveContent() }
            let id = join(\.transfer) { error in
                if let error { self.failContent(error) } else { self.wantWhole() }
            } start: {
                startTransfer()
            }
            state.withLock { $0.contentWaiter = id }
            // Or since.
            abandonContent()
        }
    }

    private var isContentWanted: Bool { state.withLock { !$0.content.waiters.isEmpty } }

    private func leaveContent() {
        state.withLock { state in
            if case .pending(let waiters) = state.content, waiters.isEmpty { state.content = .absent }
        }
        services.room.release(key)
        releaseTransferIfIdle()
    }

    private func wantWhole() {
        let (transfer, isWanted) = state.withLock { state in
            (state.transfer.value, !state.content.waiters.isEmpty)
        }
        if isWanted { transfer?.wantWhole() } else { abandonContent() }
    }

    /// What does not fit is not begun. Of a compressed layer, the blob's own size is all that is known.
    private func reserveRoom() throws {
        let size = descriptor.size
        try services.room.reserve(key) { [self] in
            let present = transfer?.chunks.presentBytes ?? services.cache.cachedBytes(key, blobSize: size).bytes
            return size - min(size, present)
        }
    }

    func cancelContent(_ id: WaiterID) {
        let mustEnd = state.withLock { state -> Bool in
            guard case .pending(var waiters) = state.content, waiters.removeValue(forKey: id) != nil else {
                return false
            }
            state.content = .pending(waiters)
            return waiters.isEmpty
        }
        if mustEnd { abandonContent() }
    }

    /// Nobody waits for it any more.
    private func abandonContent() {
        let (isLeft, transfer, waiter) = state.withLock { state -> (Bool, LayerTransfer?, WaiterID?) in
            guard case .pending(let waiters) = state.content, waiters.isEmpty else {
                // Left before there was anything to be given up: what was begun since is.
                guard case .absent = state.content else { return (false, nil, nil) }
                return (true, state.transfer.value, state.contentWaiter)
            }
            if case .pending = state.transfer {
                // About to wait, it looks again then.
                guard let waiter = state.contentWaiter else { return (false, nil, nil) }
                state.content = .absent
                return (true, nil, waiter)
            }
            state.content = .absent
            return (true, state.transfer.value, nil)
        }
        if isLeft { services.room.release(key) }
        if let waiter { cancelTransferWaiter(waiter) }
        transfer?.unwantWhole()
        releaseTransferIfIdle()
    }

    /// Forgets one who waits for a transfer to be set up; if nobody else does, that ends.
    func cancelTransferWaiter(_ id: WaiterID) {
        let setup = state.withLock { state -> Cancellation? in
            guard case .pending(var waiters) = state.transfer, waiters.removeValue(forKey: id) != nil else {
                return nil
            }
            state.transfer = .pending(waiters)
            return waiters.isEmpty ? state.setup : nil
        }
        setup?.cancel()
    }

    func failContent(_ error: StoreError) {
        services.room.release(key)
        if error != .source(.cancelled) { services.logger.error("\(key): \(error)") }
        let waiters = state.withLock { state -> [Waiter] in
            state.isTriedAnew = false
            if error != .source(.cancelled) {
                state.lastError = error
                if case .unusable = error { state.isHopeless = true }
            }
            guard case .pending(let waiters) = state.content else { return [] }
            state.content = .absent
            return Array(waiters.values)
        }
        for waiter in waiters { waiter(error) }
        releaseTransferIfIdle()
    }

    func contentArrived(_ open: OpenLayer, _ index: LayerIndex) {
        services.room.release(key)
        setIndex(index)
        let waiters = state.withLock { state -> [Waiter] in
            defer { state.content = .ready(open) }
            state.lastError = nil
            state.isTriedAnew = false
            return Array(state.content.waiters.values)
        }
        for waiter in waiters { waiter(nil) }
    }

    /// Opens the layer if it is in the cache: a live mount's layers are left alone by `prune`.
    public func claimIfCached() {
        services.local.submit { [self] in _ = adoptCached() }
    }

    /// Whether the layer was in the cache; no network, no fetch slot.
    func adoptCached() -> Bool {
        for cache in [services.cache] + services.shared {
            guard let open = try? OpenLayer.open(key, blobSize: descriptor.size, in: cache),
                let index = try? cache.index(of: open, key, blobSize: descriptor.size)
            else { continue }
            contentArrived(open, index)
            return true
        }
        return false
    }

    // MARK: Transfers

    /// The one who finds the stage absent has made it pending, and calls this.
    func startTransfer(isRetry: Bool = false) {
        let setup = Cancellation()
        state.withLock { $0.setup = setup }
        services.listing.submit { [self] givenUp in
            do {
                try setUpTransfer(setup, givenUp)
                return nil
            } catch is RangesIgnored {
                transferEnded(.source(.unusable("layer \(key.digest): the registry gives no parts of it")))
                return nil
            } catch {
                let error = StoreError(error, layer: key.digest)
                // Not even its state fits: once more where room can be made for that.
                if case .noSpace = error, !isRetry, services.room.makeSome(StateFile.chunkSize, for: key, reached: 0) {
                    startTransfer(isRetry: true)
                } else {
                    transferEnded(error)
                }
                return error
            }
        }
    }

    private func setUpTransfer(_ setup: Cancellation, _ givenUp: StoreError?) throws {
        if services.shutdown.isCancelled || setup.isCancelled { throw SourceError.cancelled }
        if adoptCached() { return transferEnded(nil) }
        if let givenUp { throw givenUp }
        if isListable, state.withLock({ $0.isIndexDoubtful }) { replaceIndex(try listing(setup)) }
        let index = isListable ? try placingIndex(setup) : nil
        let transfer = try LayerTransfer(
            key: key, blob: descriptor, source: source, services: services, index: index, received: received
        ) { transfer, end in
            self.ended(transfer, end)
        }
        // It may have been committed between the two looks: then the directory is a new one, for nothing.
        if adoptCached() {
            try transfer.partial.discard()
            return transferEnded(nil)
        }
        let waiters = state.withLock { state -> [Waiter] in
            defer { state.transfer = .ready(transfer) }
            return Array(state.transfer.waiters.values)
        }
        transfer.start()
        for waiter in waiters { waiter(nil) }
        releaseTransferIfIdle()
        // The shutdown may have looked for it before it was there.
        if services.shutdown.isCancelled, transfer.end(nil) { drop(transfer) }
    }

    private func ended(_ transfer: LayerTransfer, _ end: LayerTransfer.End) {
        switch end {
        case .good(let open, let index):
            contentArrived(open, index)
            drop(transfer)
        case .failed(let error):
            if transfer.isEnded { drop(transfer) }
            if case .noSpace = error { state.withLock { $0.fullDisk = (error, .now + .seconds(1)) } }
            failContent(error)
        case .wrong(let error, let canRetry):
            let isFirst = becameWrong(error)
            drop(transfer)
            // What was here before may have been spoiled here.
            if canRetry || isFirst && transfer.hadChunks { again() } else { failContent(error) }
        case .superseded:
            drop(transfer)
            again()
        }
    }

    /// Whoever has read of it gets no more. Whether it was right, or given up, since it was wrong last.
    private func becameWrong(_ error: StoreError) -> Bool {
        let isFirst = state.withLock { state -> Bool in
            state.wrongGeneration += 1
            state.lastError = error
            state.isIndexDoubtful = state.index.value.map { !$0.isVerified } ?? false
            defer { state.isTriedAnew = true }
            return !state.isTriedAnew
        }
        tell(.wrongBytes)
        return isFirst
    }

    /// It has ended; another may be on its way already.
    private func drop(_ transfer: LayerTransfer) {
        state.withLock { state in if state.transfer.value === transfer { state.transfer = .absent } }
    }

    /// Starts anew for those who still wait.
    private func again() {
        let isWanted = state.withLock { !$0.content.waiters.isEmpty }
        if isWanted, !services.shutdown.isCancelled { startContent() } else { failContent(.source(.cancelled)) }
    }

    private func transferEnded(_ error: StoreError?) {
        if error == .source(.cancelled), !services.shutdown.isCancelled,
            state.withLock({ !$0.transfer.waiters.isEmpty })
        {
            // Cancelled when the last waiter left; whoever came meanwhile wants it.
            return startTransfer()
        }
        if let error, error != .source(.cancelled) {
            services.logger.error("\(key): \(error)")
            state.withLock { $0.lastError = error }
        }
        let waiters = state.withLock { state -> [Waiter] in
            defer { state.transfer = .absent }
            return Array(state.transfer.waiters.values)
        }
        for waiter in waiters { waiter(error) }
    }

    /// Lets go of a transfer that nobody waits for or reads from: what it brought stays, and may be pruned.
    func releaseTransferIfIdle() {
        let idle = state.withLock { state -> LayerTransfer? in
            guard let transfer = state.transfer.value, state.openStreams == 0, state.content.waiters.isEmpty,
                !transfer.isWanted, !transfer.chunks.isWhole  // whole, it is verified, and ends by that
            else { return nil }
            state.transfer = .absent
            return transfer
        }
        guard let idle, idle.end(nil) else { return }
        services.local.submit { idle.saveSnapshot() }
    }

    // MARK: Streams

    /// How often bytes of it that may have been read were found to be wrong.
    public var wrongGeneration: UInt64 { state.withLock { $0.wrongGeneration } }
    /// Streams that were opened under another one are of no use any more.
    var streamStanding: (generation: UInt64, epoch: UInt8?) {
        state.withLock { ($0.wrongGeneration, $0.index.value?.epoch) }
    }
    var otherEntries: StoreError {
        .source(.unusable("layer \(key.digest): its entries are others than when this was opened; open it again"))
    }
    var wrongBytes: StoreError {
        state.withLock { $0.lastError } ?? .source(.unusable("layer \(key.digest): its bytes were wrong"))
    }
    func openedStream() { state.withLock { $0.openStreams += 1 } }
    func closedStream() {
        state.withLock { $0.openStreams -= 1 }
        releaseTransferIfIdle()
    }
}
