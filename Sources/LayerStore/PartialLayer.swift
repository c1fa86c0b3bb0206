// SPDX-License-Identifier: Apache-2.0
internal import OCI
internal import SystemPackage

/// A layer's directory in `partial/`, while it fills.
struct PartialLayer {
    let key: LayerKey
    let cache: CacheDirectory
    let directory: DirectoryHandle
    let state: StateFile

    /// Opens the directory that is there, or makes one. The new one is made under another name and renamed, so that
    /// nobody meets one without a state.
    static func open(_ key: LayerKey, blobSize: UInt64, in cache: CacheDirectory) throws(Errno) -> PartialLayer {
        while true {
            do {
                let directory = try cache.partial.directory(key.description)
                if let state = try StateFile.open(in: directory, key: key, blobSize: blobSize) {
                    return PartialLayer(key: key, cache: cache, directory: directory, state: state)
                }
                try cache.discard(key.description, in: cache.partial)
            } catch .noSuchFileOrDirectory {
                try create(key, blobSize, cache)
            }
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
    var isCurrent: Bool {
        get throws(Errno) { try OpenLayer.isCurrent(directory, key, cache.partial) }
    }

    /// Takes the directory away; what others have open of it they keep.
    func discard() throws(Errno) {
        guard try isCurrent else { return }
        try cache.discard(key.description, in: cache.partial)
    }

    /// Makes it one of the layers, its files being synced: the rename is the commit.
    func commit() throws(Errno) {
        guard try isCurrent else { throw .noSuchFileOrDirectory }
        do {
            try cache.partial.rename(key.description, to: cache.layers, as: key.description)
            try cache.layers.sync()
        } catch .fileExists {
            try discard()
        }
    }
}
