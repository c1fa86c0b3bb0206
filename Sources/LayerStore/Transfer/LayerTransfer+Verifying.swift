// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import Logging
internal import OCI
internal import SystemPackage
internal import Synchronization

/// The verifier's findings, and their consequences for the layer.
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

    /// Marks the layer as bad, so that every process that serves it sees that, and removes it.
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
            // The files are shorter than the state says.
            services.logger.warning("\(key): what was here of it is damaged; starting anew")
            discard()
            end(.superseded)
            return
        }
        let isDisk = error is Errno
        let error = StoreError(error, layer: key.digest)
        switch error {
        case .noSpace where isDisk && services.space.reclaim(blob.size, for: key, reached: plan.ingested):
            // The content is placed again, from the chunks that are here.
            end(.superseded)
        case .noSpace:
            discard()
            end(.failed(error))
        default:
            // The next try starts with a new hasher: this one may have hashed bytes that were not placed.
            fail(error)
            end(.superseded)
        }
    }
}
