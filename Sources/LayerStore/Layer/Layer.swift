// SPDX-License-Identifier: Apache-2.0
internal import Logging
public import OCI
internal import SystemPackage
internal import Synchronization

/// A layer as this process knows it: its entries, its files, and who waits for what of it.
///
/// What is there is answered at once; everything else is asked for with a callback, since no caller here may block.
/// Lock order: `Layer.state`, then `LayerTransfer.state`, then what is known in `ChunkMap`; none is held across I/O or a
/// callback.
public final class Layer: Sendable {
    public let key: LayerKey
    public let descriptor: Descriptor
    /// Of a compressed raw layer: what its kit says of the file's size, in bytes.
    let claimedSize: UInt64?
    let source: any BlobSource
    let services: StoreServices

    /// Gets nil when it is time to look again, else why there is nothing to wait for.
    public typealias Waiter = @Sendable (StoreError?) -> Void
    /// Names a waiter, to take it back.
    public typealias WaiterID = UInt64

    enum Stage<Value: Sendable>: Sendable {
        case absent
        case pending([WaiterID: Waiter])
        case ready(Value)

        var isPending: Bool { if case .pending = self { true } else { false } }
        var value: Value? { if case .ready(let value) = self { value } else { nil } }
        var waiters: [WaiterID: Waiter] { if case .pending(let waiters) = self { waiters } else { [:] } }
    }

    struct State: Sendable {
        var index: Stage<LayerIndex> = .absent
        /// Whole and verified.
        var content: Stage<OpenLayer> = .absent
        /// On its way.
        var transfer: Stage<LayerTransfer> = .absent
        /// Ends the setting up of a transfer that nobody waits for any more.
        var setup: Cancellation?
        /// The content's own place among those who wait for a transfer.
        var contentWaiter: WaiterID?
        var lastError: StoreError?
        /// The kernel asks again at once for what did not fit: for a moment the answer is the same.
        var fullDisk: (error: StoreError, until: ContinuousClock.Instant)?
        /// What speaks against showing it: no fetch makes that better.
        var objection: StoreError?
        /// The index's own places among those who wait for content, where only content tells the entries.
        var indexWaiters: [WaiterID] = []
        /// Verified bytes that cannot be mounted will not become better.
        var isHopeless = false
        /// Counts how often bytes that may have been read turned out to be wrong.
        var wrongGeneration: UInt64 = 0
        /// The entries were made from bytes that are wrong: to be listed anew before anything is fetched by them.
        var isIndexDoubtful = false
        /// Its bytes were wrong, and are fetched once more.
        var isTriedAnew = false
        var openStreams = 0
        var observers: [@Sendable (Change) -> Void] = []
        var nextWaiter: WaiterID = 1
    }

    /// What those who have shown something of the layer must know.
    public enum Change: Sendable {
        /// Its entries are others than those that were shown.
        case entries
        /// Bytes of it that were read may have been wrong.
        case wrongBytes
    }

    let state = Mutex(State())
    /// Bytes of the blob that this process has fetched.
    let received = ByteCounter()

    init(
        key: LayerKey, descriptor: Descriptor, claimedSize: UInt64?, source: any BlobSource, services: StoreServices
    ) {
        self.key = key
        self.descriptor = descriptor
        self.claimedSize = claimedSize
        self.source = source
        self.services = services
    }

    /// Whether the entries can be told without the content: by an uncompressed tar's headers, or a raw layer's size.
    public var isListable: Bool { key.form.compression == nil }

    /// Calls back, on any thread, when what was shown of the layer no longer holds.
    public func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    func tell(_ change: Change) {
        for observer in state.withLock({ $0.observers }) { observer(change) }
    }

    // MARK: What is there

    /// The entries, if they are known already.
    public var index: LayerIndex? { state.withLock { $0.index.value } }

    var transfer: LayerTransfer? { state.withLock { $0.transfer.value } }

    /// Opens a file whose content is here, verified; nil if it must be waited for with `requireContent`.
    public func openFile(content: ByteRange) throws(StoreError) -> LayerFile? {
        guard let open = state.withLock({ $0.content.value }) else { return nil }
        do {
            let isOwnFile = LayerLayout.hasOwnFile(content, in: key.form)
            if let file = try open.openFile(content: content, isOwnFile: isOwnFile) { return file }
        } catch {
            throw StoreError(error, layer: key.digest)
        }
        // It was evicted under us, or taken away by hand: fetch it again.
        state.withLock { if let current = $0.content.value, current === open { $0.content = .absent } }
        return nil
    }

    /// Whether a file is here, verified, and has a file to itself.
    public func hasOwnFile(_ content: ByteRange) -> Bool {
        state.withLock { $0.content.value != nil } && LayerLayout.hasOwnFile(content, in: key.form)
    }

    /// Opens a file that need not be here: its reads say what they wait for.
    public func openStream(content: ByteRange) -> StreamFile { StreamFile(self, content: content) }

    // MARK: Waiting

    private enum Joined { case call(StoreError?), start(WaiterID), wait(WaiterID) }

    /// Waits for a stage with those who do already; the first starts what leads to it. nil if it was called at once.
    func join<Value>(
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

    /// Calls back once `range` of the uncompressed layer can be read; see `LayerTransfer.want`. Returns a name to take
    /// the waiter back with, nil if it was called at once.
    public func requireRange(_ range: ByteRange, ahead: UInt64, _ waiter: @escaping Waiter) -> WaiterID? {
        let (transfer, id) = state.withLock { state -> (LayerTransfer?, WaiterID) in
            defer { state.nextWaiter += 1 }
            return (state.transfer.value, state.nextWaiter)
        }
        if let transfer { return transfer.want(range, ahead: ahead, id: id, waiter) ? id : nil }
        if let full = state.withLock({ $0.fullDisk }), full.until > .now {
            waiter(full.error)
            return nil
        }
        return join(\.transfer, waiter) { startTransfer() }
    }

    /// Forgets a waiter; a fetch ends when nobody else waits for it. What it brought stays, to be resumed.
    public func cancel(_ id: WaiterID) {
        let (indexWaiters, transfer) = state.withLock { state -> ([WaiterID], LayerTransfer?) in
            guard case .pending(var waiters) = state.index, waiters.removeValue(forKey: id) != nil else {
                return ([], state.transfer.value)
            }
            state.index = waiters.isEmpty ? .absent : .pending(waiters)
            guard waiters.isEmpty else { return ([], nil) }
            defer { state.indexWaiters = [] }
            return (state.indexWaiters, nil)
        }
        for waiter in indexWaiters { cancelContent(waiter) }
        transfer?.cancel(id)
        cancelTransferWaiter(id)
        cancelContent(id)
        releaseTransferIfIdle()
    }

    /// Gives up whatever is under way: the mount ends.
    /// Returns the transfer that was under way.
    func cancelAll() -> LayerTransfer? {
        state.withLock { $0.setup }?.cancel()
        failContent(.source(.cancelled))
        let transfer = state.withLock { state -> LayerTransfer? in
            guard let transfer = state.transfer.value else { return nil }
            state.transfer = .absent
            return transfer
        }
        transfer?.end(nil)
        return transfer
    }

    /// What is wrong with the layer in the eyes of those who show it: logged, and shown by `status`.
    public func report(_ reason: String) {
        let error = StoreError.unusable(layer: key.digest, reason: reason)
        services.logger.error("\(error)")
        state.withLock { $0.objection = error }
    }
}
