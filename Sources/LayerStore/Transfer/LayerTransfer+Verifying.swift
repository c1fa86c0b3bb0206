// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import SystemPackage
internal import Synchronization

/// What the verifier finds, and what becomes of the layer by that.
extension LayerTransfer: VerifierHost {
    var isFilling: Bool { lifecycle.withLock { $0 == .filling } }

    func noteProgress() { wants.withLock { $0.noteProgress(at: .now) } }

    func contentPlaced(_ front: UInt64) {
        _ = notePlaced(front)
        noteProgress()
        wakeWaiters()
        fetcher.schedule(for: self)
    }

    func verified(_ finding: Verifier.Finding) {
        switch finding {
        case .good(let index):
            _ = lifecycle.withLock { $0.become(.verified) }
            end(.good(openLayer, index))
        case .wrong(let error):
            condemn()
            let canRetry = source.distrust(blob)
            if canRetry { services.logger.warning("\(key): \(error); asking elsewhere") }
            end(.wrong(error, canRetry: canRetry))
        case .unmountable(let error):
            condemn()
            end(.failed(error))
        case .displaced:
            end(.superseded)
        case .failed(let error):
            ingestFailed(error)
        }
    }

    var openLayer: OpenLayer {
        OpenLayer(directory: partial.directory, state: partial.state, keeper: services.threads.idleLayers)
    }

    /// Everybody who serves the layer sees in its state that it is bad, and nothing of it stays.
    private func condemn() {
        do {
            try partial.state.setLifecycle(.bad)
        } catch {
            services.logger.warning("\(key): that it is bad could not be written: \(error)")
        }
        services.cache.dropIndex(key)
        discard()
    }

    private func ingestFailed(_ error: any Error) {
        if error as? Errno == .outOfRange {
            // The files have less than the state says.
            services.logger.warning("\(key): what was here of it is damaged; starting anew")
            discard()
            end(.superseded)
            return
        }
        let isDisk = error is Errno
        let error = StoreError(error, layer: key.digest)
        switch error {
        case .noSpace where isDisk && services.space.reclaim(blob.size, for: key, reached: plan.ingested):
            // What was placed of it is placed anew, from what is here.
            end(.superseded)
        case .noSpace:
            discard()
            end(.failed(error))
        default:
            // Whoever tries again starts with a digest of its own: this one may have seen bytes that were not placed.
            fail(error)
            end(.superseded)
        }
    }
}
