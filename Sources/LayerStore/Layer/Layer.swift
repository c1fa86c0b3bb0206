// SPDX-License-Identifier: Apache-2.0
public import LayerCache
public import LayerIndex
internal import Logging
public import OCI
private import Synchronization

/// A layer as this process knows it: its entries (`IndexStage`), its content (`ContentStage`), and their waiters.
///
/// What is here is answered at once. The rest is requested with a callback, since the callers must not block.
public final class Layer: Sendable {
    public let key: LayerKey
    public let descriptor: Descriptor
    /// For a compressed raw layer: the file's size in bytes, as its kit states it.
    let claimedSize: UInt64?
    let source: any BlobSource
    let services: StoreServices
    let indexStage = IndexStage()
    let contentStage = ContentStage()
    /// Bytes of the blob that this process has fetched.
    let received = SharedCounter()
    private let observers = Mutex<[@Sendable (Change) -> Void]>([])
    private let lastWaiter = Atomic<WaiterID>(0)

    /// Called with nil when the caller should look again, or with the error why waiting is pointless.
    public typealias Waiter = @Sendable (StoreError?) -> Void
    /// The ID of a waiter, to cancel it by.
    public typealias WaiterID = UInt64
    public typealias Status = LayerStatus

    /// Changes that concern anyone who has shown something of the layer.
    public enum Change: Sendable {
        /// The entries are different from those that were shown.
        case entries
        /// Bytes that were read may have been wrong.
        case wrongBytes
    }

    init(
        key: LayerKey, descriptor: Descriptor, claimedSize: UInt64?, source: any BlobSource, services: StoreServices
    ) {
        self.key = key
        self.descriptor = descriptor
        self.claimedSize = claimedSize
        self.source = source
        self.services = services
    }

    /// Whether the entries can be listed without the content: by an uncompressed tar's headers, or by a raw layer's
    /// size.
    public var canIndexWithoutContent: Bool { key.form.compression == nil }

    func nextWaiterID() -> WaiterID { lastWaiter.add(1, ordering: .relaxed).newValue }

    // MARK: Changes

    /// Calls back, on any thread, when what was shown of the layer is no longer valid.
    public func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    func tell(_ change: Change) {
        for observer in observers.withLock({ $0 }) { observer(change) }
    }

    // MARK: What is here

    /// The entries; nil if they are not known yet.
    public var index: LayerIndex? { indexStage.index }

    var transfer: LayerTransfer? { contentStage.transfer }

    /// Opens a file whose content is here and verified. nil if the content is missing: wait with `requireContent`.
    public func openFile(content: ByteRange) throws(StoreError) -> LayerFile? {
        guard let open = contentStage.open else { return nil }
        do {
            let isOwnFile = LayerLayout.hasOwnFile(content, in: key.form)
            if let file = try open.openFile(content: content, isOwnFile: isOwnFile) { return file }
        } catch {
            throw StoreError(error, layer: key.digest)
        }
        // The layer was evicted while open, or deleted by hand. It must be fetched again.
        contentStage.forget(open)
        return nil
    }

    /// Whether a file's content is here and verified, in a file of its own.
    public func hasOwnFile(_ content: ByteRange) -> Bool {
        contentStage.open != nil && LayerLayout.hasOwnFile(content, in: key.form)
    }

    /// Opens a file whose content may be missing. Its reads return the range to wait for.
    public func openStream(content: ByteRange) -> StreamFile { StreamFile(self, content: content) }

    /// How many times bytes that may have been read were found to be wrong.
    public var wrongGeneration: UInt64 { contentStage.wrongGeneration }

    // MARK: Waiting

    /// Removes a waiter. A fetch ends when nobody else waits for it. Its chunks stay, and a later fetch resumes from
    /// them.
    public func cancel(_ id: WaiterID) {
        for contentWaiter in indexStage.cancel(id) { contentStage.cancel(contentWaiter, self) }
        contentStage.cancel(id, self)
    }

    /// Notes why a mount cannot show the layer's entries. The reason is logged, and `status` shows it as long as the
    /// layer has these entries.
    public func report(_ reason: String) {
        let error = StoreError.unmountable(layer: key.digest, reason: reason)
        services.logger.error("\(error)")
        indexStage.setObjection(error)
    }
}
