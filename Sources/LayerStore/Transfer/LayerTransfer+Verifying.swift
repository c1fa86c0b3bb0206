// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import OCI
internal import SystemPackage
private import Synchronization
internal import Threading

/// Following what is here, in order from the first byte on: hashed, placed if it is compressed, and made good at the end.
/// One process does that for all: the one that has the commit claim.
extension LayerTransfer {
    /// Not too far at a time: a shutdown waits for it.
    private static let stride: UInt64 = 64 << 20

    /// Starts to verify if there is something to, and nobody does.
    func verifyIfDue() {
        let isDue = state.withLock { state in
            guard !state.isEnded, !state.isVerifying, !services.shutdown.isCancelled else { return false }
            state.isVerifying = true
            return true
        }
        guard isDue else { return }
        guard followed < chunks.front || chunks.isWhole else {
            state.withLock { $0.isVerifying = false }
            return
        }
        services.verifying.submit { self.verify() }
    }

    private func verify() {
        var isWaiting = false
        do {
            if try !partial.state.claim(.commit, .exclusive) {
                isWaiting = true
            } else if try partial.state.lifecycle != .filling {
                // Another was faster: the clock sees what it found.
                _ = try partial.state.claim(.commit, .none)
                isWaiting = true
            } else {
                state.withLock { $0.isVerifier = true }
                try partial.state.setVerifier(participant)
                guard try followAll() else { return finish() }
            }
        } catch {
            refuse(error)
        }
        state.withLock { state in
            state.isVerifying = false
            state.waitsForVerifier = isWaiting
        }
        // More may have come since the last look.
        if !isWaiting, followed < chunks.front { verifyIfDue() }
    }

    /// Follows what is here; false once that is all of the blob.
    private func followAll() throws -> Bool {
        while followed < chunks.front {
            if services.shutdown.isCancelled || isEnded { return true }
            let end = min(chunks.front, followed + Self.stride)
            try follower.follow(to: end) { [self] in hasher.update($0) }
            setFollowed(end)
            if layout == nil {
                setPlaced(follower.placed)
                try partial.state.setFront(follower.placed)
                madePlacement()
            }
        }
        return followed < blob.size
    }

    private func madePlacement() {
        state.withLock { $0.lastProgress = .now }
        wakeWaiters()
        schedule()
    }

    private func finish() {
        do {
            let found = hasher.finalize()
            guard found == key.digest else {
                return wrong(.digestMismatch(expected: key.digest, found: found))
            }
            let index = try follower.finish()
            if let layout, index.layout != layout {
                // Not the layer's fault: what listed it was wrong, or nothing could.
                try partial.rearrange(from: layout, to: index.layout, size: index.layerSize) {
                    state.withLock { $0.lastProgress = .now }
                }
            }
            try makeGood(index)
        } catch {
            refuse(error)
        }
    }

    /// Serving starts at `good`; what makes it durable comes after.
    private func makeGood(_ index: LayerIndex) throws {
        guard try partial.isCurrent else {
            end(.superseded)
            return
        }
        try partial.state.setLayerSize(index.layerSize)
        if let digest = index.contentDigest { try partial.state.setContentDigest(digest) }
        let files = try LayerFiles(directory: partial.directory, layout: index.layout)
        try files.setLength(index.layerSize)
        // Before `good`: those who see that look for it, and make it anew where it could not be kept.
        try? services.cache.saveIndex(index, key, blobSize: blob.size)
        try partial.state.seal()
        try partial.state.setLifecycle(.good)
        end(.good(OpenLayer(directory: partial.directory, state: partial.state), index))
        keep(index)
    }

    /// Commits what is good. By the holder of the commit claim, which it gives back.
    private func keep(_ index: LayerIndex) {
        do {
            try partial.commit(index.layout)
        } catch {
            // Those who have it open read on; the next mount fetches it again.
            services.logger.warning("\(key): could not be kept: \(error)")
            try? partial.discard()
        }
        _ = try? partial.state.claim(.commit, .none)
    }

    /// One who made it good was killed before the commit: that is done in its place.
    func keepIfLeft(_ index: LayerIndex) {
        guard (try? partial.state.claim(.commit, .exclusive)) ?? false else { return }
        guard (try? partial.isCurrent) ?? false else {
            _ = try? partial.state.claim(.commit, .none)
            return
        }
        services.verifying.submit { self.keep(index) }
    }

    // MARK: When it is not to be

    /// The bytes are wrong: everybody who serves the layer sees that in its state.
    private func wrong(_ error: StoreError) {
        try? partial.state.setLifecycle(.bad)
        services.cache.dropIndex(key)
        try? discard()
        let canRetry = source.distrust(blob)
        if canRetry { services.logger.warning("\(key): \(error); asking elsewhere") }
        end(.wrong(error, canRetry: canRetry))
    }

    private func refuse(_ error: any Error) {
        if error as? Errno == .outOfRange {
            // The files have less than the state says.
            services.logger.warning("\(key): what was here of it is damaged; starting anew")
            try? discard()
            end(.superseded)
            return
        }
        let isDisk = error is Errno
        let error = StoreError(error, layer: key.digest)
        switch error {
        case .unusable:
            try? partial.state.setLifecycle(.bad)
            services.cache.dropIndex(key)
            try? discard()
            end(.failed(error))
        case .noSpace where isDisk && services.room.makeSome(blob.size, for: key, reached: followed):
            // What was placed of it is placed anew, from what is here.
            end(.superseded)
        case .noSpace:
            try? discard()
            end(.failed(error))
        default:
            // Whoever tries again starts with a digest of its own: this one may have seen bytes that were not placed.
            state.withLock { $0.isVerifier = false }
            _ = try? partial.state.claim(.commit, .none)
            fail(error)
            end(.superseded)
        }
    }
}
