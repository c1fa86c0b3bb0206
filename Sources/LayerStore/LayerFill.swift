// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import Logging
internal import OCI
internal import SystemPackage
private import Threading

/// Brings one layer into the cache, whole and verified. Blocks its thread until that is done or has failed.
///
/// One process fills a layer at a time: the one that holds the commit claim. Others wait, look whether the layer has
/// become good, and take over where the holder has died; what is there by then is not fetched again.
struct LayerFill {
    let key: LayerKey
    let blob: Descriptor
    let source: any BlobSource
    let cache: CacheDirectory
    let cancellation: Cancellation
    let logger: Logger
    /// Told how many bytes of the blob are here, now and then.
    let onProgress: @Sendable (UInt64) -> Void

    /// A holder that shows no pulse for so many seconds is stopped or frozen; it keeps its directory, we start another.
    private static let holderPatience = 10

    /// `onGood` is called once, when the layer can be read, before it is synced and committed.
    /// Throws `StoreError`, and whatever `StoreError.init(_:layer:)` takes.
    func run(onGood: (OpenLayer, LayerIndex) -> Void) throws {
        guard blob.size <= StateFile.sizeLimit else {
            throw StoreError.unusable(layer: key.digest, reason: "its descriptor says \(blob.size) bytes, over 16 TiB")
        }
        try checkSpace(missing: blob.size - min(blob.size, cache.cachedBytes(key, blobSize: blob.size).bytes))
        var watch: (pulse: [UInt8], since: ContinuousClock.Instant)?
        while true {
            if cancellation.isCancelled { throw SourceError.cancelled }
            if let (open, index) = try committed() { return onGood(open, index) }
            let partial = try PartialLayer.open(key, blobSize: blob.size, in: cache)
            guard try partial.state.claim(.commit, .exclusive) else {
                if try partial.state.lifecycle == .good, try partial.state.layerSize > 0 || blob.size == 0,
                    try partial.state.claim(.listed, .shared)
                {
                    let open = try OpenLayer(directory: partial.directory, state: partial.state)
                    return onGood(open, try open.rebuildIndex(key))
                }
                try wait(for: partial, &watch)
                continue
            }
            guard try partial.isCurrent else { continue }
            // Another may have committed it between our two looks.
            if let (open, index) = try committed() {
                try partial.discard()
                return onGood(open, index)
            }
            if try partial.state.lifecycle == .bad {
                try partial.discard()
                continue
            }
            // A filler that said `good` and died before the commit is not believed: what is there is hashed again.
            try partial.state.setLifecycle(.filling)
            if try fill(partial, onGood) { return }
        }
    }

    private func committed() throws -> (OpenLayer, LayerIndex)? {
        guard let open = try OpenLayer.open(key, blobSize: blob.size, in: cache),
            let index = try cache.index(of: open, key, blobSize: blob.size)
        else { return nil }
        return (open, index)
    }

    /// Another process fills: look again soon, and take its place if it stands still.
    private func wait(
        for partial: PartialLayer, _ watch: inout (pulse: [UInt8], since: ContinuousClock.Instant)?
    ) throws {
        let pulse = try partial.state.pulse()
        onProgress(try partial.state.presence().presentBytes)
        if watch?.pulse != pulse { watch = (pulse, .now) }
        if let watch, ContinuousClock.now - watch.since > .seconds(Self.holderPatience) {
            logger.warning("\(key): another process stands still in the middle of it; starting anew")
            try partial.discard()
        }
        usleep(20_000)
    }

    // MARK: Filling

    /// False if it is worth another round: the bytes were wrong and can be had elsewhere, or the directory was taken
    /// away because we stood still.
    private func fill(_ partial: PartialLayer, _ onGood: (OpenLayer, LayerIndex) -> Void) throws -> Bool {
        let index: LayerIndex
        do {
            let pulse = Pulse(partial.state)
            defer { pulse.stop() }
            index = try fillAndVerify(partial)
        } catch {
            let wasTaken = try !partial.isCurrent
            try dropWhatIsOfNoUse(partial, after: error)
            if wasTaken, !cancellation.isCancelled { return false }
            if case StoreError.digestMismatch(let expected, let found) = error, source.distrust(blob) {
                logger.warning("\(key): should be \(expected) but its bytes are \(found); asking elsewhere")
                return false
            }
            throw error
        }
        try finish(partial, index, onGood)
        return true
    }

    private func fillAndVerify(_ partial: PartialLayer) throws -> LayerIndex {
        let presence = try partial.state.presence()
        if let compression = key.form.compression {
            return try transfer(partial, presence, try CompressedFollower(partial, compression))
        }
        // For the places of the large members, headers are enough.
        let known =
            try cache.loadIndex(key, blobSize: blob.size) ?? LayerIndex.list(key.form, blob, source, cancellation)
        let follower = try PlainFollower(partial, layout: known.layout)
        let verified = try transfer(partial, presence, follower)
        guard verified.hasSameEntries(as: known) else {
            cache.dropIndex(key)
            // Not the layer's fault: what listed it was wrong.
            throw SourceError.unusable("layer \(key.digest): its headers were others when it was listed; open it again")
        }
        return verified
    }

    /// What does not fit is not begun. Of a compressed layer, the blob's own size is all that is known.
    private func checkSpace(missing: UInt64) throws {
        let free = try cache.layers.freeSpace
        guard missing <= free else {
            throw StoreError.noSpace(
                "layer \(key.digest.short) needs \(missing) bytes, and the cache \(cache.path) has room for \(free)")
        }
    }

    /// Fetches what is missing, while another thread follows, hashing what is read back.
    private func transfer(
        _ partial: PartialLayer, _ presence: ChunkPresence, _ follower: some FillFollower
    ) throws -> LayerIndex {
        let front = FillFront()
        let verification = Verification(
            front: front, follower: follower, key: key, blobSize: blob.size, cancellation: cancellation)
        verification.start()
        defer {
            // Nobody may write here once the claim is given back.
            front.finish()
            _ = try? verification.wait()
        }
        var writer = try follower.writer()
        var present = presence.presentBytes
        onProgress(present)
        let runs = presence.absentRuns
        for (index, run) in runs.enumerated() {
            front.advance(to: run.start)
            var marker = ChunkMarker(state: partial.state, run: run)
            try source.fetch(blob, range: run, cancellation: cancellation) { piece in
                try front.checkFollower()
                try writer.write(piece, at: marker.position)
                present += UInt64(piece.byteCount)
                try marker.advance(by: piece.byteCount)
                front.advance(to: marker.position)
                onProgress(present)
            }
            if index == runs.count - 1 { break }
        }
        front.advance(to: blob.size)
        return try verification.wait()
    }

    // MARK: The end

    /// Serving starts at `good`; what makes it durable comes after.
    private func finish(
        _ partial: PartialLayer, _ index: LayerIndex, _ onGood: (OpenLayer, LayerIndex) -> Void
    ) throws {
        try partial.state.setLayerSize(index.layerSize)
        let files = try LayerFiles(directory: partial.directory, layout: index.layout)
        try files.setLength(index.layerSize)
        try partial.state.setLifecycle(.good)
        _ = try partial.state.claim(.listed, .shared)
        onGood(try OpenLayer(directory: partial.directory, state: partial.state), index)
        do {
            try cache.saveIndex(index, key, blobSize: blob.size)
            try files.sync()
            try partial.state.file.sync()
            try? partial.directory.remove(CompressedFollower.blobName)
            try partial.commit()
        } catch {
            // Those who have it open read on; the next mount fetches it again.
            logger.warning("\(key): could not be kept: \(error)")
            try? partial.discard()
        }
        _ = try partial.state.claim(.commit, .none)
    }

    /// After an error: bytes that are wrong, or have no room, go at once. What was only cut short stays, to be resumed.
    private func dropWhatIsOfNoUse(_ partial: PartialLayer, after error: any Error) throws {
        switch StoreError(error, layer: key.digest) {
        case .source(.unusable), .digestMismatch, .unusable:
            try partial.state.setLifecycle(.bad)
            cache.dropIndex(key)
            try partial.discard()
        case .noSpace:
            try partial.discard()
        case .source, .cache:
            _ = try partial.state.claim(.commit, .none)
        }
    }
}

/// Marks chunks as present once all of their bytes are written.
struct ChunkMarker {
    let state: StateFile
    let run: ByteRange
    /// The next byte of the blob.
    private(set) var position: UInt64
    private var marked: UInt64

    init(state: StateFile, run: ByteRange) {
        self.state = state
        self.run = run
        position = run.start
        marked = run.start
    }

    mutating func advance(by count: Int) throws(Errno) {
        position += UInt64(count)
        // The blob's last chunk may be short, and is whole when the blob ends.
        let whole = position == state.blobSize ? UInt64(state.chunkCount) : position / StateFile.chunkSize
        let first = marked / StateFile.chunkSize
        guard whole > first else { return }
        try state.markPresent(Int(first)..<Int(whole))
        marked = whole * StateFile.chunkSize
    }
}

/// Beats twice a second while it lives, from a thread of its own: the worker may wait for a slow registry.
private struct Pulse {
    private let isStopped = Cancellation()

    init(_ state: StateFile) {
        // Weakly: the descriptor carries locks, which must not outlive their owner by a beat.
        BackgroundThread.start { [isStopped, weak state] in
            var count: UInt64 = 0
            while !isStopped.isCancelled, state != nil {
                count += 1
                state?.beat(count)
                usleep(500_000)
            }
        }
    }

    func stop() { isStopped.cancel() }
}
