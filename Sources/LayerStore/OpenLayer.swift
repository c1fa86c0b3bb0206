// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import SystemPackage
private import Synchronization

/// A layer that is whole and verified, open for reading.
///
/// While it lives, other processes see the layer as listed; while a file of it is open, as in use: neither `prune` nor
/// a full disk takes it away.
final class OpenLayer: Sendable {
    let directory: DirectoryHandle
    let state: StateFile
    private let stream: OwnedFile
    private let openFiles = Mutex(0)

    /// `state` says `good`. Throws what opening the files throws.
    init(directory: DirectoryHandle, state: StateFile) throws(Errno) {
        self.directory = directory
        self.state = state
        stream = try directory.file(LayerFiles.streamName, .read)
    }

    /// The layer from `layers/`, or nil if it is not there, or there is no use in what is.
    static func open(_ key: LayerKey, blobSize: UInt64, in cache: CacheDirectory) throws(Errno) -> OpenLayer? {
        let directory: DirectoryHandle
        do {
            directory = try cache.layers.directory(key.description)
        } catch .noSuchFileOrDirectory {
            return nil
        }
        guard let state = try? StateFile.open(in: directory, key: key, blobSize: blobSize),
            (try? state.lifecycle) == .good, let open = try? OpenLayer(directory: directory, state: state),
            try open.stream.attributes.size == (try state.layerSize)
        else {
            // Damaged, or put there by something else than a commit.
            try cache.discard(key.description, in: cache.layers)
            return nil
        }
        // Between opening and locking, somebody may have evicted it.
        guard try state.claim(.listed, .shared), try Self.isCurrent(directory, key, cache.layers) else { return nil }
        return open
    }

    static func isCurrent(_ directory: DirectoryHandle, _ key: LayerKey, _ parent: DirectoryHandle) throws(Errno)
        -> Bool
    {
        guard let current = try? parent.attributes(of: key.description) else { return false }
        return try directory.attributes.isSameFile(as: current)
    }

    /// Opens the file that holds `content`, which is in the uncompressed layer. nil if the layer was evicted.
    func openFile(content: ByteRange) throws(Errno) -> LayerFile? {
        let isLarge = content.count >= LayerLayout.largeMember
        let file: OwnedFile
        if isLarge {
            do {
                file = try directory.directory(LayerFiles.membersName).file(String(content.start), .read)
            } catch .noSuchFileOrDirectory {
                return nil
            }
        } else {
            file = stream
        }
        guard
            try openFiles.withLock({ count throws(Errno) -> Bool in
                if count == 0, try !state.claim(.open, .shared) { return false }
                count += 1
                return true
            })
        else { return nil }
        return LayerFile(layer: self, file: file, base: isLarge ? 0 : content.start, size: content.count)
    }

    fileprivate func closedFile() {
        openFiles.withLock { count in
            count -= 1
            if count == 0 { _ = try? state.claim(.open, .none) }
        }
    }
}

/// An open file of a layer. It keeps its layer in the cache as long as it lives.
public final class LayerFile: Sendable {
    private let layer: OpenLayer
    private let file: OwnedFile
    /// Where the content starts in `file`.
    private let base: UInt64
    /// Bytes.
    public let size: UInt64

    fileprivate init(layer: OpenLayer, file: OwnedFile, base: UInt64, size: UInt64) {
        self.layer = layer
        self.file = file
        self.base = base
        self.size = size
    }

    deinit { layer.closedFile() }

    /// Fills as much of `buffer` as the content has from `offset` on; returns how many bytes that is, 0 at the end.
    /// Throws `StoreError.cache` if the cache lacks bytes that it should have.
    public func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        guard offset < size else { return 0 }
        let wanted = Int(min(UInt64(buffer.count), size - offset))
        let count: Int
        do {
            count = try file.read(
                at: base + offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted]))
        } catch {
            throw .cache("the cache failed at \(base + offset): \(error)")
        }
        guard count == wanted else { throw .cache("the cache ends at \(base + offset + UInt64(count)), too early") }
        return count
    }
}
