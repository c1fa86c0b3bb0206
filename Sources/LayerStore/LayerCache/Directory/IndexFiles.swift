// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import OCI
internal import SystemPackage

/// The `indexes/` of a cache.
extension CacheDirectory {
    /// nil if there is none, or it is damaged.
    func loadIndex(_ key: LayerKey, blobSize: UInt64) -> LayerIndex? {
        guard let file = try? indexes.file(key.description, .read), let size = try? file.attributes.size,
            size < 1 << 36, let bytes = try? file.bytes(at: 0, count: Int(size))
        else { return nil }
        return LayerIndex(decoding: bytes, blobSize: blobSize)
    }

    func saveIndex(_ index: LayerIndex, _ key: LayerKey, blobSize: UInt64) throws(Errno) {
        try replaceFile(key.description, in: indexes, with: index.encoded(blobSize: blobSize))
    }

    /// The verified index of a layer that is here, made anew from its bytes if it was lost. nil if the layer turns out
    /// to be damaged: it is gone then, and to be fetched again. Any other error says nothing about the layer.
    func index(of open: OpenLayer, _ key: LayerKey, blobSize: UInt64) throws -> LayerIndex? {
        if let index = loadIndex(key, blobSize: blobSize), index.isVerified {
            if try open.hasAll(index.layout) { return index }
            if access.mayWrite { try discard(key.description, in: layers, ifStill: open.directory) }
            return nil
        }
        let index: LayerIndex
        do {
            index = try open.rebuildIndex(key)
        } catch let error as Errno where error != .outOfRange && error != .noSuchFileOrDirectory {
            throw error
        } catch {
            if access.mayWrite { try discard(key.description, in: layers, ifStill: open.directory) }
            return nil
        }
        // It is made again next time if it cannot be kept.
        if access.mayWrite { try? saveIndex(index, key, blobSize: blobSize) }
        return index
    }

    /// Runs `build` while no other process builds the index of this layer. One who takes longer than `patience` is not
    /// waited for.
    func buildingIndex<Built>(
        _ key: LayerKey, _ patience: Duration, _ cancellation: Cancellation, _ build: () throws -> Built
    ) throws -> Built {
        // A lock on a byte of a file that is there, a byte that the digest chooses. Two that meet there only wait for each
        // other.
        let lock = try top.file("VERSION", .readWrite)
        let place = Int(key.digest.leadingBits >> 2)
        let deadline = ContinuousClock.now + patience
        while try !lock.lock(.exclusive, start: place), ContinuousClock.now < deadline {
            if cancellation.isCancelled { throw SourceError.cancelled }
            usleep(10_000)
        }
        return try withExtendedLifetime(lock) { try build() }
    }

    func dropIndex(_ key: LayerKey) {
        try? indexes.remove(key.description)
    }
}

extension OpenLayer {
    /// Makes the index anew from the layer's own bytes, which are verified: after its file was lost or damaged.
    /// Where the large members are is told by their files. Throws if the bytes are not all there, or not the layer's.
    func rebuildIndex(_ key: LayerKey) throws -> LayerIndex {
        let size = try state.layerSize
        var files = try LayerFiles(reading: directory, layout: Self.layout(of: directory))
        let hasher = DigestHasher(.sha256)
        var entries = EntryFollower(key.form.archive)
        let buffer = ReadBuffer()
        var offset: UInt64 = 0
        while offset < size {
            let memory = buffer.prefix(size - offset)
            try files.read(at: offset, into: memory)
            let piece = UnsafeRawBufferPointer(memory).bytes
            hasher.update(piece)
            try entries.push(piece)
            offset += UInt64(memory.count)
        }
        let digest = hasher.finalize()
        if key.form.compression == nil, key.digest.algorithm == .sha256, digest != key.digest {
            throw StoreError.digestMismatch(expected: key.digest, found: digest)
        }
        return try entries.finish(contentDigest: digest)
    }

    /// Where the large members of a whole layer are, as their files tell.
    static func layout(of directory: DirectoryHandle) throws(Errno) -> LayerLayout {
        let members = try directory.directory(LayerFiles.membersName)
        var large: [ByteRange] = []
        for name in try members.names() {
            guard let start = UInt64(name),
                let range = ByteRange(start: start, count: try members.attributes(of: name).size)
            else { throw Errno.outOfRange }
            large.append(range)
        }
        large.sort { $0.start < $1.start }
        var layout = LayerLayout()
        for member in large {
            guard layout.members.last.map({ $0.end <= member.start }) ?? true else { throw .outOfRange }
            layout.append(member)
        }
        return layout
    }
}
