// SPDX-License-Identifier: Apache-2.0
package import LayerIndex
package import DurableFiles
package import OCI
package import SystemPackage
private import Synchronization

/// Watches layers whose last file was closed, and releases them soon: see `OpenLayer.releaseIfIdle`.
package protocol IdleLayerKeeper: AnyObject, Sendable {
    func add(_ layer: OpenLayer)
}

/// A whole and verified layer that is open for reading.
///
/// While this object lives, other processes see the layer as mounted, and `prune` does not evict it. While a file of it
/// is open, the layer is in use, and nothing evicts it. With no file open, this object holds no bytes of the layer, and
/// a full disk may evict it.
package final class OpenLayer: Sendable {
    package let directory: DirectoryHandle
    package let state: StateFile
    private let use = Mutex(Use())
    private let keeper: any IdleLayerKeeper

    private struct Use: Sendable {
        var openFiles = 0
        /// The stream, open while any file is open, and until the keeper releases the layer.
        var stream: OwnedFile?
        /// How many times the last open file was closed.
        var closes: UInt64 = 0
        /// Whether the keeper watches this layer.
        var isWatched = false
    }

    /// The lifecycle of `state` must be `good`.
    package init(directory: DirectoryHandle, state: StateFile, keeper: any IdleLayerKeeper) {
        self.directory = directory
        self.state = state
        self.keeper = keeper
    }

    /// The layer in `layers/`; nil if it is not there or is being evicted. A layer that is proven to be damaged, or
    /// that no commit put there, is dropped. Any other error says nothing about the layer and is thrown. Throws
    /// `StoreError.unmountable` if the layer's size is not the descriptor's: then the descriptor is wrong.
    package static func open(
        _ key: LayerKey, blobSize: UInt64, in cache: CacheDirectory, keeper: any IdleLayerKeeper
    ) throws -> OpenLayer? {
        guard let directory = try layerDirectory(key, cache) else { return nil }
        let found = try whole(directory, key, keeper)
        if found == nil, cache.access.mayWrite {
            try cache.discard(key.description, in: cache.layers, ifStill: directory)
        }
        guard let open = found else { return nil }
        guard open.state.blobSize == blobSize else {
            throw StoreError.unmountable(
                layer: key.digest, reason: "its descriptor says \(blobSize) bytes, but it has \(open.state.blobSize)")
        }
        // Another process may have evicted the layer between opening and locking.
        let isOurs = try open.state.claim(.mounted, .shared)
        let isThere = try directory.isNamed(key.description, in: cache.layers)
        return isOurs && isThere ? open : nil
    }

    /// nil if there is none. A file of that name that is no directory is dropped.
    private static func layerDirectory(_ key: LayerKey, _ cache: CacheDirectory) throws(Errno) -> DirectoryHandle? {
        do {
            return try cache.layers.directory(key.description)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch .notDirectory, .tooManySymbolicLinkLevels {
            if cache.access.mayWrite { try cache.discard(key.description, in: cache.layers) }
            return nil
        }
    }

    /// nil if the directory is proven to be damaged.
    private static func whole(
        _ directory: DirectoryHandle, _ key: LayerKey, _ keeper: any IdleLayerKeeper
    ) throws(Errno) -> OpenLayer? {
        do {
            guard let state = try StateFile.open(in: directory, key: key) else { return nil }
            let lifecycle = try state.lifecycle
            let open = OpenLayer(directory: directory, state: state, keeper: keeper)
            let size = try directory.attributes(of: LayerFiles.streamName).size
            let wanted = try state.layerSize
            let isSealed = try state.isSealed
            return lifecycle == .good && size == wanted && isSealed ? open : nil
        } catch .noSuchFileOrDirectory, .isDirectory, .outOfRange {
            return nil
        }
    }

    /// Whether each large member has a file of the right size. Called once, when the layer's index is adopted.
    package func hasAll(_ layout: LayerLayout) throws(Errno) -> Bool {
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

    /// Whether the layer was evicted since, or deleted by hand.
    package var isGone: Bool { (try? state.file.attributes.links) == 0 }

    /// Opens the file that holds `content`, a range of the uncompressed layer. nil if the layer was evicted or found to
    /// be damaged: see `CacheDirectory.verify`.
    package func openFile(content: ByteRange, isOwnFile: Bool) throws(Errno) -> LayerFile? {
        guard try state.lifecycle == .good, let stream = try startUse() else { return nil }
        guard isOwnFile else {
            return LayerFile(layer: self, file: stream, isOwnFile: false, base: content.start, size: content.count)
        }
        do {
            let file = try directory.directory(LayerFiles.membersName).file(String(content.start), .read)
            return LayerFile(layer: self, file: file, isOwnFile: true, base: 0, size: content.count)
        } catch {
            closedFile()
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// Counts one more open file. Returns nil if the layer was evicted.
    private func startUse() throws(Errno) -> OwnedFile? {
        try use.withLock { use throws(Errno) -> OwnedFile? in
            if let stream = use.stream {
                use.openFiles += 1
                return stream
            }
            use.stream = try claimedStream()
            use.openFiles = use.stream == nil ? 0 : 1
            return use.stream
        }
    }

    private func claimedStream() throws(Errno) -> OwnedFile? {
        guard try state.claim(.open, .shared) else { return nil }
        do {
            let stream = try directory.file(LayerFiles.streamName, .read)
            state.noteUse()
            return stream
        } catch {
            state.release(.open)
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    func closedFile() {
        let mustWatch = use.withLock { use in
            use.openFiles -= 1
            guard use.openFiles == 0 else { return false }
            use.closes += 1
            defer { use.isWatched = true }
            return !use.isWatched
        }
        if mustWatch { keeper.add(self) }
    }

    /// Releases the stream and the claim of open files, if no file is open and `closes` is still the current count;
    /// with nil, whatever the count is. Returns the current count if the layer was used meanwhile, and must be checked
    /// again; nil if there is nothing left to watch.
    package func releaseIfIdle(since closes: UInt64?) -> UInt64? {
        use.withLock { use in
            guard use.openFiles == 0 else {
                // The next last close hands the layer to the keeper again.
                use.isWatched = false
                return nil
            }
            guard closes == nil || closes == use.closes else { return use.closes }
            use.isWatched = false
            use.stream = nil
            state.noteUse()
            state.release(.open)
            return nil
        }
    }
}
