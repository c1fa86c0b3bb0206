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

    /// The layer from `layers/`, or nil if it is not there, or is being taken away. What is proven to be damaged, or was
    /// put there by something else than a commit, is dropped; any other error says nothing about the layer and is thrown.
    /// Throws `StoreError.unusable` where the layer has another size than the descriptor says: that one is wrong then.
    static func open(_ key: LayerKey, blobSize: UInt64, in cache: CacheDirectory) throws -> OpenLayer? {
        guard let directory = try layerDirectory(key, cache) else { return nil }
        let found = try whole(directory, key)
        if found == nil { try cache.discard(key.description, in: cache.layers) }
        guard let open = found else { return nil }
        guard open.state.blobSize == blobSize else {
            throw StoreError.unusable(
                layer: key.digest, reason: "its descriptor says \(blobSize) bytes, but it has \(open.state.blobSize)")
        }
        // Between opening and locking, somebody may have evicted it.
        let isOurs = try open.state.claim(.listed, .shared)
        let isThere = try isCurrent(directory, key, cache.layers)
        return isOurs && isThere ? open : nil
    }

    /// nil where there is none; what has its name and is no directory is dropped.
    private static func layerDirectory(_ key: LayerKey, _ cache: CacheDirectory) throws(Errno) -> DirectoryHandle? {
        do {
            return try cache.layers.directory(key.description)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch .notDirectory, .tooManySymbolicLinkLevels {
            try cache.discard(key.description, in: cache.layers)
            return nil
        }
    }

    /// nil where the directory is proven to be damaged.
    private static func whole(_ directory: DirectoryHandle, _ key: LayerKey) throws(Errno) -> OpenLayer? {
        do {
            guard let state = try StateFile.open(in: directory, key: key) else { return nil }
            let lifecycle = try state.lifecycle
            let open = try OpenLayer(directory: directory, state: state)
            let size = try open.stream.attributes.size
            let wanted = try state.layerSize
            return lifecycle == .good && size == wanted ? open : nil
        } catch .noSuchFileOrDirectory, .isDirectory, .outOfRange {
            return nil
        }
    }

    /// Whether each large member has its file, whole. Asked once, when the layer's index is taken for good.
    func hasAll(_ layout: LayerLayout) throws(Errno) -> Bool {
        guard !layout.members.isEmpty else { return true }
        let members: DirectoryHandle
        do {
            members = try directory.directory(LayerFiles.membersName)
        } catch .noSuchFileOrDirectory {
            return false
        }
        return layout.members.allSatisfy { member in
            (try? members.attributes(of: String(member.start)))?.size == member.count
        }
    }

    static func isCurrent(_ directory: DirectoryHandle, _ key: LayerKey, _ parent: DirectoryHandle) throws(Errno)
        -> Bool
    {
        guard let current = try? parent.attributes(of: key.description) else { return false }
        return try directory.attributes.isSameFile(as: current)
    }

    /// Opens the file that holds `content`, which is in the uncompressed layer. nil if the layer was evicted.
    func openFile(content: ByteRange, isOwnFile: Bool) throws(Errno) -> LayerFile? {
        let file: OwnedFile
        if isOwnFile {
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
        return LayerFile(layer: self, file: file, base: isOwnFile ? 0 : content.start, size: content.count)
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
