// SPDX-License-Identifier: Apache-2.0
package import LayerIndex
package import DurableFiles
internal import OCI
package import SystemPackage

/// The file `snapshot` of a partial layer: the chunks that are known to be on disk, not only in memory, which a power
/// loss clears. After a reboot, only these chunks are trusted.
///
/// The order: the present chunks are listed; their files are synced; then the list is written under another name,
/// synced, and renamed into place. On disk, little-endian: `KITFSNAP`, version (4 bytes), 4 bytes of zero, size of the
/// blob (8), a bit for each chunk, lowest bit first, and the sha256 of all before.
package struct PresenceSnapshot: Equatable {
    package static let name = "snapshot"
    private static let magic = Array("KITFSNAP".utf8)
    private static let version: UInt32 = 1
    private static let headerSize = 24

    package let blobSize: UInt64
    /// Whether each chunk is on disk.
    package let isPresent: [Bool]

    package init(blobSize: UInt64, isPresent: [Bool]) {
        self.blobSize = blobSize
        self.isPresent = isPresent
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt32(0))
        bytes.append(littleEndian: blobSize)
        var bits = [UInt8](repeating: 0, count: (isPresent.count + 7) / 8)
        for (chunk, isPresent) in isPresent.enumerated() where isPresent { bits[chunk / 8] |= 1 << UInt8(chunk % 8) }
        bytes += bits
        return bytes + DigestHasher.digest(of: bytes).bytes
    }

    /// nil for anything that this version did not write for a blob of this size.
    package init?(decoding bytes: [UInt8], blobSize: UInt64) {
        let chunks = StateFile.chunkCount(of: blobSize)
        let body = Self.headerSize + (chunks + 7) / 8
        guard bytes.count == body + 32, bytes.starts(with: Self.magic),
            bytes.littleEndian(UInt32.self, at: 8) == Self.version,
            bytes.littleEndian(UInt64.self, at: 16) == blobSize,
            DigestHasher.digest(of: Array(bytes[..<body])).bytes.elementsEqual(bytes[body...])
        else { return nil }
        self.blobSize = blobSize
        isPresent = (0..<chunks).map { bytes[Self.headerSize + $0 / 8] >> UInt8($0 % 8) & 1 != 0 }
    }

    /// Syncs the present chunks, and saves a snapshot of them. Chunks in the earlier snapshot are on disk already.
    package static func save(_ partial: PartialLayer, _ chunks: ChunkMap) throws(Errno) {
        _ = try chunks.refresh(0..<chunks.count)
        let snapshot = PresenceSnapshot(blobSize: chunks.blobSize, isPresent: chunks.presence)
        let earlier = load(from: partial.directory, blobSize: chunks.blobSize)?.isPresent ?? []
        if partial.key.form.compression != nil {
            // The decompressed content is made again from the blob after a power loss, so it is not synced.
            try syncIfThere(LayerFiles.blobName, in: partial.directory)
        } else {
            try syncIfThere(LayerFiles.streamName, in: partial.directory)
            try syncMembers(of: partial, chunks) {
                snapshot.isPresent[$0] && !(earlier.indices.contains($0) && earlier[$0])
            }
        }
        try partial.cache.replaceFile(name, in: partial.directory, with: snapshot.encoded)
        try partial.directory.sync()
        try partial.cache.partial.sync()
    }

    /// Syncs the members that contain bytes of new chunks.
    private static func syncMembers(
        of partial: PartialLayer, _ chunks: ChunkMap, _ isNew: (Int) -> Bool
    ) throws(Errno) {
        // A layer without large members has no `members` directory.
        guard let members = try? partial.directory.directory(LayerFiles.membersName) else { return }
        for name in try members.names() {
            let size = try members.attributes(of: name).size
            if let start = UInt64(name), let range = ByteRange(start: start, count: size),
                !chunks.chunks(of: range).contains(where: isNew)
            {
                continue
            }
            try syncIfThere(name, in: members)
        }
        try members.sync()
    }

    /// Syncs a file if it exists. A failed sync may have lost bytes, so its error is thrown and no snapshot is saved.
    private static func syncIfThere(_ name: String, in directory: DirectoryHandle) throws(Errno) {
        do {
            try directory.file(name, .readWrite).sync()
        } catch .noSuchFileOrDirectory {
            return
        }
    }

    /// Whether the file that holds the chunks exists and is long enough for the last of them. A commit removes `blob`,
    /// and not every file system keeps the order of changes.
    package func hasFile(_ key: LayerKey, in directory: DirectoryHandle) -> Bool {
        guard let last = isPresent.lastIndex(of: true) else { return true }
        if key.form.compression == nil {
            return (try? directory.attributes(of: LayerFiles.streamName))?.size == blobSize
        }
        let size = (try? directory.attributes(of: LayerFiles.blobName))?.size ?? 0
        return size >= min(blobSize, UInt64(last + 1) * StateFile.chunkSize)
    }

    private static func encodedSize(_ blobSize: UInt64) -> UInt64 {
        UInt64(headerSize + (StateFile.chunkCount(of: blobSize) + 7) / 8 + 32)
    }

    package static func load(from directory: DirectoryHandle, blobSize: UInt64) -> PresenceSnapshot? {
        guard let bytes = directory.contents(of: name, atMost: encodedSize(blobSize)) else { return nil }
        return PresenceSnapshot(decoding: bytes, blobSize: blobSize)
    }
}

extension PartialLayer {
    /// Takes over a layer of an earlier boot, as far as its snapshot proves it. Returns true if that is done, or if
    /// there is no such layer; false while another process does the same: then the caller must look again.
    package static func adoptFromEarlierBoot(_ key: LayerKey, _ blobSize: UInt64, _ cache: CacheDirectory) throws(Errno)
        -> Bool
    {
        let partials = try cache.top.directory("partial")
        for boot in try partials.names() where CacheDirectory.isBootID(boot) && boot != CacheDirectory.bootID() {
            guard let parent = try? partials.directory(boot), let left = try? parent.directory(key.description) else {
                continue
            }
            let state = try? StateFile.open(in: left, key: key)
            if let state, try !state.claimAlone() { return false }
            // The earlier holder of the claim may have taken the layer over meanwhile.
            guard try left.isNamed(key.description, in: parent) else { return false }
            guard let state, state.blobSize == blobSize,
                let snapshot = PresenceSnapshot.load(from: left, blobSize: blobSize), snapshot.hasFile(key, in: left)
            else {
                try cache.discard(key.description, in: parent, ifStill: left)
                continue
            }
            // The state is reset to what is proven before the layer gets the name by which it is found.
            try state.reset(to: snapshot.isPresent)
            do {
                try parent.rename(key.description, to: cache.partial, as: key.description)
            } catch {
                // A directory in a lower layer of an overlay cannot be renamed: see `CacheDirectory.discard`.
                if error == .improperLink {
                    try cache.discard(key.description, in: parent)
                    continue
                }
                // Another process was faster.
                if error != .fileExists, error != .noSuchFileOrDirectory { throw error }
            }
            withExtendedLifetime(state) {}
            return true
        }
        return true
    }
}
