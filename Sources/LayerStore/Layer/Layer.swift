// SPDX-License-Identifier: Apache-2.0
public import LayerCache
public import LayerIndex
internal import Logging
public import OCI
private import Synchronization

/// A layer as this process knows it: its entries (`IndexStage`), its content (`ContentStage`), and who waits for what.
///
/// What is there is answered at once; everything else is asked for with a callback, since no caller here may block.
public final class Layer: Sendable {
    public let key: LayerKey
    public let descriptor: Descriptor
    /// Of a compressed raw layer: what its kit says of the file's size, in bytes.
    let claimedSize: UInt64?
    let source: any BlobSource
    let services: StoreServices
    let indexStage = IndexStage()
    let contentStage = ContentStage()
    /// Bytes of the blob that this process has fetched.
    let received = SharedCounter()
    private let observers = Mutex<[@Sendable (Change) -> Void]>([])
    private let lastWaiter = Atomic<WaiterID>(0)

    /// Gets nil when it is time to look again, else why there is nothing to wait for.
    public typealias Waiter = @Sendable (StoreError?) -> Void
    /// Names a waiter, to take it back.
    public typealias WaiterID = UInt64
    public typealias Status = LayerStatus

    /// What those who have shown something of the layer must know.
    public enum Change: Sendable {
        /// Its entries are others than those that were shown.
        case entries
        /// Bytes of it that were read may have been wrong.
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

    /// Whether the entries can be told without the content: by an uncompressed tar's headers, or a raw layer's size.
    public var canIndexWithoutContent: Bool { key.form.compression == nil }

    func nextWaiterID() -> WaiterID { lastWaiter.add(1, ordering: .relaxed).newValue }

    // MARK: Changes

    /// Calls back, on any thread, when what was shown of the layer no longer holds.
    public func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    func tell(_ change: Change) {
        for observer in observers.withLock({ $0 }) { observer(change) }
    }

    // MARK: What is there

    /// The entries, if they are known already.
    public var index: LayerIndex? { indexStage.index }

    var transfer: LayerTransfer? { contentStage.transfer }

    /// Opens a file whose content is here, verified; nil if it must be waited for with `requireContent`.
    public func openFile(content: ByteRange) throws(StoreError) -> LayerFile? {
        guard let open = contentStage.open else { return nil }
        do {
            let isOwnFile = LayerLayout.hasOwnFile(content, in: key.form)
            if let file = try open.openFile(content: content, isOwnFile: isOwnFile) { return file }
        } catch {
            throw StoreError(error, layer: key.digest)
        }
        // It was evicted under us, or taken away by hand: fetch it again.
        contentStage.forget(open)
        return nil
    }

    /// Whether a file is here, verified, and has a file to itself.
    public func hasOwnFile(_ content: ByteRange) -> Bool {
        contentStage.open != nil && LayerLayout.hasOwnFile(content, in: key.form)
    }

    /// Opens a file that need not be here: its reads say what they wait for.
    public func openStream(content: ByteRange) -> StreamFile { StreamFile(self, content: content) }

    /// How often bytes of it that may have been read were found to be wrong.
    public var wrongGeneration: UInt64 { contentStage.wrongGeneration }

    // MARK: Waiting

    /// Forgets a waiter; a fetch ends when nobody else waits for it. What it brought stays, to be resumed.
    public func cancel(_ id: WaiterID) {
        for contentWaiter in indexStage.cancel(id) { contentStage.cancel(contentWaiter, self) }
        contentStage.cancel(id, self)
    }

    /// Notes what a mount holds against the layer's entries: logged, and shown by `status` as long as it has these entries.
    public func report(_ reason: String) {
        let error = StoreError.unmountable(layer: key.digest, reason: reason)
        services.logger.error("\(error)")
        indexStage.setObjection(error)
    }
}
