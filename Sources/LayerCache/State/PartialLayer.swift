// SPDX-License-Identifier: Apache-2.0
package import LayerIndex
package import DurableFiles
private import Glibc
internal import OCI
package import SystemPackage

/// A layer's directory in `partial/`, while it fills.
package struct PartialLayer {
    package let key: LayerKey
    package let cache: CacheDirectory
    package let directory: DirectoryHandle
    package let state: StateFile

    /// Opens the directory that is there, or makes one. The new one is made under another name and renamed, so that
    /// nobody meets one without a state.
    ///
    /// Throws `StoreError` and `Errno`.
    package static func open(_ key: LayerKey, blobSize: UInt64, in cache: CacheDirectory) throws -> PartialLayer {
        var tries = 0
        while tries < 1000 {
            tries += 1
            guard let found = try existing(key, cache) else {
                if try !adoptFromEarlierBoot(key, blobSize, cache) {
                    // For as long as a sync may take.
                    usleep(10_000)
                    continue
                }
                if try existing(key, cache) == nil { try create(key, blobSize, cache) }
                continue
            }
            if found.state.blobSize == blobSize { return found }
            // Another descriptor of the blob has another size. One of the two is wrong; which, the digest will tell. As long
            // as the other is at it, this one can only be asked to come again.
            guard try found.state.claimAlone() else {
                throw StoreError.cache(
                    "layer \(key.digest): its descriptor says \(blobSize) bytes, another that is being fetched "
                        + "\(found.state.blobSize)")
            }
            try cache.discard(key.description, in: cache.partial, ifStill: found.directory)
        }
        throw StoreError.cache("the cache \(cache.path) lost its directory partial/; unmount and mount again")
    }

    /// nil if there is none; what is no layer's directory, or a damaged one, is dropped.
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

    /// nil if there is none, or it is damaged.
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
            // Somebody was faster, or emptied the trash meanwhile: `open` looks again.
            if error != .fileExists, error != .noSuchFileOrDirectory { throw error }
        }
    }

    /// Whether the path still names this directory: to be asked after each claim.
    package var isCurrent: Bool {
        get throws(Errno) { try directory.isNamed(key.description, in: cache.partial) }
    }

    /// Puts the bytes of a whole layer, which were placed by one layout, where another says. A place in a file stands
    /// for the same byte in every layout, so that nobody reads wrong ones meanwhile. `isAlive` is called now and then.
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

    /// Takes the directory away; what others have open of it they keep.
    package func discard() throws(Errno) {
        guard try isCurrent else { return }
        try cache.discard(key.description, in: cache.partial)
    }

    /// Makes a layer that is good one of the layers. Called by the holder of the commit claim.
    ///
    /// The order, which makes that whatever is in `layers/` is whole, also after a power loss:
    /// 1. the files' bytes, then the names of the members, then those of the directory (`LayerFiles.sync`);
    /// 2. the state, which says `good` since before;
    /// 3. snapshot and blob go, the snapshot first: it tells of the blob;
    /// 4. the rename, which is the commit, then the directory that has the new name.
    ///
    /// If power is lost before 4 is on disk, the directory is one of an earlier boot, of which nothing is believed but its
    /// snapshot. A sync that fails is thrown, and the layer is not kept.
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
        // One who was stopped before the rename may have moved what others began meanwhile: that is not whole.
        guard try directory.isNamed(key.description, in: cache.layers) else {
            return try cache.discard(key.description, in: cache.layers)
        }
        try cache.layers.sync()
    }
}
