// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
package import LayerIndex
internal import OCI
internal import SystemPackage

extension OpenLayer {
    /// The verified index of a cached layer, rebuilt from its bytes if the index file was lost. nil if the layer is
    /// found to be damaged: it is dropped then, and must be fetched again. Any other error says nothing about the
    /// layer.
    package func index(in cache: CacheDirectory, _ key: LayerKey, blobSize: UInt64) throws -> LayerIndex? {
        if let index = cache.loadIndex(key, blobSize: blobSize), index.isVerified {
            if try hasAll(index.layout) { return index }
            if cache.access.mayWrite { try cache.discard(key.description, in: cache.layers, ifStill: directory) }
            return nil
        }
        let index: LayerIndex
        do {
            index = try rebuildIndex(key)
        } catch let error as Errno where error != .outOfRange && error != .noSuchFileOrDirectory {
            throw error
        } catch {
            if cache.access.mayWrite { try cache.discard(key.description, in: cache.layers, ifStill: directory) }
            return nil
        }
        // An index that cannot be saved is rebuilt next time.
        if cache.access.mayWrite { try? cache.saveIndex(index, key, blobSize: blobSize) }
        return index
    }

    /// Rebuilds the index from the layer's own, verified bytes, after the index file was lost or damaged. The members'
    /// files give the layout. Throws if bytes are missing, or are not the layer's.
    package func rebuildIndex(_ key: LayerKey) throws -> LayerIndex {
        let size = try state.layerSize
        var files = try LayerFiles(reading: directory, layout: LayerFiles.layout(of: directory))
        let hasher = DigestHasher(.sha256)
        var entries = EntryIngester(key.form.archive)
        let buffer = ReadBuffer()
        var offset: UInt64 = 0
        while offset < size {
            let memory = buffer.prefix(size - offset)
            try files.read(at: offset, into: memory)
            let piece = UnsafeRawBufferPointer(memory).bytes
            hasher.update(piece)
            try entries.ingest(piece)
            offset += UInt64(memory.count)
        }
        let digest = hasher.finalize()
        if key.form.compression == nil, key.digest.algorithm == .sha256, digest != key.digest {
            throw StoreError.digestMismatch(expected: key.digest, found: digest)
        }
        return try entries.finish(contentDigest: digest)
    }
}
