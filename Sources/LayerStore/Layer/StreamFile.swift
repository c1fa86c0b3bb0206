// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
public import LayerCache
internal import LayerIndex
public import OCI
internal import SystemPackage
private import Synchronization

/// A file that is read while its layer is fetched. Each read is answered as soon as its bytes are here, verified or
/// not.
public final class StreamFile: Sendable {
    private let layer: Layer
    /// The file's range in the uncompressed layer.
    private let content: ByteRange
    /// The layer's count of wrong bytes, and the epoch of its index, when this was opened: see `Layer.streamStanding`.
    private let generation: UInt64
    private let epoch: UInt8?
    private let state = Mutex(State())

    private struct State: Sendable {
        var ahead = ReadAhead()
        /// The file in a transfer's directory.
        var file: TransferFile?
        var whole: LayerFile?
    }

    /// The reference is weak, since a later transfer may have the address of one that is gone.
    private struct TransferFile: Sendable {
        weak var transfer: LayerTransfer?
        let file: TransferReadFile
    }

    /// The result of a read.
    public enum Outcome: Sendable {
        case read(Int)
        /// The range of the uncompressed layer that must be fetched first, and how many bytes after it will be wanted
        /// next.
        case absent(ByteRange, ahead: UInt64)
    }

    /// Bytes.
    public var size: UInt64 { content.count }

    init(_ layer: Layer, content: ByteRange) {
        self.layer = layer
        self.content = content
        (generation, epoch) = layer.streamStanding
        layer.openedStream()
    }

    deinit { layer.closedStream() }

    /// Reads the content from `offset` on into `buffer`, if it is here. Throws `StoreError` if it cannot be read. Once
    /// the layer was found to be wrong, every read throws.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Outcome {
        let standing = layer.streamStanding
        if standing.generation != generation { throw layer.wrongBytes }
        if standing.epoch != epoch { throw layer.otherEntries }
        guard offset < size else { return .read(0) }
        let count = min(UInt64(buffer.count), size - offset)
        guard let range = ByteRange(start: content.start + offset, count: count) else { return .read(0) }
        if let whole = try wholeFile() { return .read(try whole.read(at: offset, into: buffer)) }
        let ahead = state.withLock { $0.ahead.note(offset, count) }
        guard let transfer = layer.transfer, transfer.has(range) else {
            let inFile = state.withLock { $0.ahead.waiting(offset + count, ahead: ahead, fileSize: size) }
            return .absent(range, ahead: inFile)
        }
        if let next = state.withLock({ $0.ahead.due(offset + count, ahead: ahead, fileSize: size) }),
            let range = ByteRange(start: content.start + next.start, count: next.count)
        {
            transfer.readAhead(range)
        }
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer[0..<Int(count)])
        let done: Int
        do {
            done = try file(of: transfer).read(at: position(offset), into: target)
        } catch {
            throw StoreError(error, layer: layer.key.digest)
        }
        guard done == count else { throw .cache("the cache ends at \(content.start + offset), too early") }
        return .read(done)
    }

    private var isOwnFile: Bool { LayerLayout.hasOwnFile(content, in: layer.key.form) }

    private func position(_ offset: UInt64) -> UInt64 { isOwnFile ? offset : content.start + offset }

    /// The file in the verified layer, once that is here. It stays open from then on.
    private func wholeFile() throws(StoreError) -> LayerFile? {
        if let whole = state.withLock({ $0.whole }) { return whole }
        guard let whole = try layer.openFile(content: content) else { return nil }
        state.withLock { $0.whole = whole }
        return whole
    }

    private func file(of transfer: LayerTransfer) throws(Errno) -> OwnedFile {
        if let known = state.withLock({ $0.file }), known.transfer === transfer, let file = known.file.current {
            return file
        }
        let directory = transfer.partial.directory
        let file =
            isOwnFile
            ? try directory.directory(LayerFiles.membersName).file(String(content.start), .create(exclusive: false))
            : try directory.file(LayerFiles.streamName, .create(exclusive: false))
        let kept = TransferReadFile(file)
        if transfer.reads.withLock({ $0.add(kept) }) {
            state.withLock { $0.file = TransferFile(transfer: transfer, file: kept) }
        }
        return file
    }
}
