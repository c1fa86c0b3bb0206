// SPDX-License-Identifier: Apache-2.0
package import LayerIndex
package import DurableFiles
private import Glibc
internal import OCI
package import SystemPackage

/// The directory in `partial/` of a layer that is being filled.
package struct PartialLayer {
    package let key: LayerKey
    package let cache: CacheDirectory
    package let directory: DirectoryHandle
    package let state: StateFile

    /// Opens the layer's directory, or makes one. A new directory is made in the trash and renamed, so that no process
    /// finds one without a state.
    ///
    /// Throws `StoreError` and `Errno`.
    package static func open(_ key: LayerKey, blobSize: UInt64, in cache: CacheDirectory) throws -> PartialLayer {
        var tries = 0
        while tries < 1000 {
            tries += 1
            guard let found = try existing(key, cache) else {
                if try !adoptFromEarlierBoot(key, blobSize, cache) {
                    // Another process is taking the layer over, which may take as long as a sync.
                    usleep(10_000)
                    continue
                }
                if try existing(key, cache) == nil { try create(key, blobSize, cache) }
                continue
            }
            if found.state.blobSize == blobSize { return found }
            // Another descriptor of this blob states another size, so one of the two is wrong. The digest will tell
            // which. While another process uses the other size, this one can only fail and be retried.
            guard try found.state.claimAlone() else {
                throw StoreError.cache(
                    "layer \(key.digest): its descriptor says \(blobSize) bytes, another that is being fetched "
                        + "\(found.state.blobSize)")
            }
            try cache.discard(key.description, in: cache.partial, ifStill: found.directory)
        }
        throw StoreError.cache("the cache \(cache.path) lost its directory partial/; unmount and mount again")
    }

    /// nil if there is none. A name that is no layer's directory, or a damaged directory, is dropped.
    private static func existing(_ key: LayerKey, _ cache: CacheDirectory) throws(Errno) -> PartialLayer? {
        guard let directory = try directory(key, cache) else { return nil }
        if let state = try state(in: directory, key) {
            return PartialLayer(key: key, cache: cache, directory: directory, state: state)
        }
        try cache.discard(key.description, in: cache.partial, ifStill: directory)
        return nil
    }

    private static func directory(_ key: LayerKey, _ cache: CacheDirectory) throws(Errno) -> DirectoryHandle? {
        do {
            return try cache.partial.directory(key.description)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch .notDirectory, .tooManySymbolicLinkLevels {
            try cache.discard(key.description, in: cache.partial)
            return nil
        }
    }

    /// nil if there is no state, or it is damaged.
    private static func state(in directory: DirectoryHandle, _ key: LayerKey) throws(Errno) -> StateFile? {
        do {
            return try StateFile.open(in: directory, key: key)
        } catch .noSuchFileOrDirectory, .tooManySymbolicLinkLevels, .isDirectory {
            return nil
        }
    }

    private static func create(_ key: LayerKey, _ blobSize: UInt64, _ cache: CacheDirectory) throws(Errno) {
        let temporary = CacheDirectory.uniqueName(key.description)
        let directory = try cache.trash.makeDirectory(temporary)
        do {
            _ = try StateFile.create(in: directory, key: key, blobSize: blobSize)
            try cache.trash.rename(temporary, to: cache.partial, as: key.description)
        } catch {
            cache.trash.removeTree(temporary)
            // Another process was faster, or emptied the trash meanwhile: `open` tries again.
            if error != .fileExists, error != .noSuchFileOrDirectory { throw error }
        }
    }

    /// Whether the path still names this directory. To be checked after each claim.
    package var isCurrent: Bool {
        get throws(Errno) { try directory.isNamed(key.description, in: cache.partial) }
    }

    /// Moves the bytes of a whole layer from one layout to another. A file and offset stand for the same byte in every
    /// layout, so that no reader gets wrong bytes meanwhile. `isAlive` is called now and then.
    package func rearrange(from old: LayerLayout, to new: LayerLayout, size: UInt64, _ isAlive: () -> Void)
        throws(Errno)
    {
        var source = try LayerFiles(directory: directory, layout: old)
        var target = try LayerFiles(directory: directory, layout: new)
        let buffer = ReadBuffer()
        var offset: UInt64 = 0
        while offset < size {
            let memory = buffer.prefix(size - offset)
            try source.read(at: offset, into: memory)
            try target.write(UnsafeRawBufferPointer(memory).bytes, at: offset)
            offset += UInt64(memory.count)
            isAlive()
        }
        let members = try directory.directory(LayerFiles.membersName)
        let sizes = Dictionary(new.members.map { (String($0.start), $0.count) }) { first, _ in first }
        for name in try members.names() {
            if let size = sizes[name] {
                try members.file(name, .readWrite).truncate(to: size)
            } else {
                try members.remove(name)
            }
        }
    }

    /// Removes the directory from `partial/`. Processes that have files of it open keep them.
    package func discard() throws(Errno) {
        guard try isCurrent else { return }
        try cache.discard(key.description, in: cache.partial)
    }

    /// Moves a good layer to `layers/`. Called by the holder of the commit claim.
    ///
    /// The order ensures that each layer in `layers/` is whole, also after a power loss:
    /// 1. the files' bytes, then the names of the members, then those of the directory (`LayerFiles.sync`);
    /// 2. the state, which says `good` already;
    /// 3. removal of the snapshot, then of the blob, which the snapshot refers to;
    /// 4. the rename, which is the commit, then the directory `layers/`.
    ///
    /// If power is lost before 4 is on disk, the directory belongs to an earlier boot, of which only the snapshot is
    /// trusted. If a sync fails, its error is thrown and the layer is not kept.
    package func commit(_ layout: LayerLayout) throws(Errno) {
        try LayerFiles(directory: directory, layout: layout).sync()
        try state.file.sync()
        try? directory.remove(PresenceSnapshot.name)
        try? directory.remove(LayerFiles.blobName)
        guard try isCurrent else { throw .noSuchFileOrDirectory }
        do {
            try cache.partial.rename(key.description, to: cache.layers, as: key.description)
        } catch .fileExists {
            return try discard()
        }
        // A process that was stopped before the rename may have moved a newer directory, which is not whole.
        guard try directory.isNamed(key.description, in: cache.layers) else {
            return try cache.discard(key.description, in: cache.layers)
        }
        try cache.layers.sync()
    }
}
