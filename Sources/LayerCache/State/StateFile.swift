// SPDX-License-Identifier: Apache-2.0
package import LayerIndex
package import DurableFiles
private import Glibc
package import OCI
package import SystemPackage

/// The `state` file of a layer's directory: which chunks are present, and who works on the layer.
///
/// On disk, little-endian: a header of 1,024 bytes, then one byte for each chunk of 256 KiB of the blob.
///
/// | offset | size | field |
/// | --- | --- | --- |
/// | 0 | 8 | `KITFSLYR` |
/// | 8 | 4 | version, 3 |
/// | 12 | 1 | lifecycle: 0 filling, 1 good, 2 bad |
/// | 13 | 1 | the verifier: participant plus one, 0 if unknown |
/// | 16 | 8 | size of the blob in bytes |
/// | 24 | 8 | size of the uncompressed layer in bytes; 0 until known |
/// | 32 | 8 | of a compressed blob: bytes of the uncompressed layer that are placed, from its start on |
/// | 40 | 4 | chunk size in bytes |
/// | 64 | 192 | the key, padded with zeros |
/// | 256 | 512 | a heartbeat of 8 bytes for each of 64 participants |
/// | 768 | 32 | sha256 of the uncompressed layer, once it is good |
/// | 800 | 32 | seal, once it is good: sha256 of the bytes from 0 to 256, of which 12 is 1, and from 768 to 800 |
///
/// A chunk's byte is 0xd6 when the chunk is present. It is written after the chunk's bytes, never before. While the
/// chunk is being fetched, the byte is the fetcher's participant number plus two, if the fetcher has a number. Any
/// other value means nothing. A single flipped bit turns no meaningful value into 0xd6 or back, and does not turn
/// `filling` into `good` with a valid seal. Locks use the same offsets: see `Claim`, `join`, and `claimChunks`.
package final class StateFile: Sendable {
    package static let name = "state"
    package static let headerSize = 1024
    package static let chunkSize: UInt64 = 256 << 10
    package static let presentMark: UInt8 = 0xd6
    private static let magic = Array("KITFSLYR".utf8)
    private static let version: UInt32 = 3

    package enum Lifecycle: UInt8 { case filling, good, bad }

    /// What a lock on one byte of the file means.
    package enum Claim: Int {
        /// Shared: a file of the layer is open.
        case open = 0
        /// Shared: a live mount has the layer mounted.
        case mounted = 1
        /// Exclusive: the holder hashes, decompresses and commits.
        case commit = 3
    }

    package let file: OwnedFile
    package let blobSize: UInt64

    package var chunkCount: Int { Self.chunkCount(of: blobSize) }

    package static func chunkCount(of size: UInt64) -> Int { Int((size + chunkSize - 1) / chunkSize) }

    private init(file: OwnedFile, blobSize: UInt64) {
        self.file = file
        self.blobSize = blobSize
    }

    /// Makes the file for an empty layer, in a directory that no other process knows yet.
    package static func create(in directory: DirectoryHandle, key: LayerKey, blobSize: UInt64) throws(Errno)
        -> StateFile
    {
        let file = try directory.file(name, .create(exclusive: true))
        var header = magic
        header.append(littleEndian: version)
        header.append(littleEndian: UInt32(0))
        header.append(littleEndian: blobSize)
        header.append(littleEndian: UInt64(0))
        header.append(littleEndian: UInt64(0))
        header.append(littleEndian: UInt32(chunkSize))
        header.append(contentsOf: [UInt8](repeating: 0, count: 64 - header.count))
        header.append(contentsOf: key.description.utf8)
        precondition(header.count <= 256)
        header.append(contentsOf: [UInt8](repeating: 0, count: headerSize - header.count))
        try file.write(header.span.bytes, at: 0)
        try file.truncate(to: UInt64(headerSize + chunkCount(of: blobSize)))
        return StateFile(file: file, blobSize: blobSize)
    }

    /// The largest blob: 16 TiB, whose chunks take 64 MiB of state.
    package static let sizeLimit: UInt64 = 1 << 44

    /// nil if the file is not a state of this layer, as after damage: it is useless then. The caller must compare the
    /// size of the blob, since a descriptor may be wrong.
    package static func open(in directory: DirectoryHandle, key: LayerKey) throws(Errno) -> StateFile? {
        let file: OwnedFile
        do {
            file = try directory.file(name, .readWrite)
        } catch .permissionDenied, .readOnlyFileSystem {
            file = try directory.file(name, .read)
        }
        let size = try file.attributes.size
        guard size >= headerSize, size <= headerSize + chunkCount(of: sizeLimit) else { return nil }
        let header = try file.bytes(at: 0, count: headerSize)
        let ownSize = header.littleEndian(UInt64.self, at: 16)
        let ownKey = header[64..<256].prefix { $0 != 0 }
        guard header.starts(with: magic), header.littleEndian(UInt32.self, at: 8) == version,
            header.littleEndian(UInt32.self, at: 40) == UInt32(chunkSize),
            ownSize <= sizeLimit,
            ownKey.elementsEqual(key.description.utf8), size == UInt64(headerSize + chunkCount(of: ownSize))
        else { return nil }
        return StateFile(file: file, blobSize: ownSize)
    }

    /// Takes a claim. Returns false if another process has it.
    package func claim(_ claim: Claim, _ mode: OwnedFile.LockMode) throws(Errno) -> Bool {
        try file.lock(mode, start: claim.rawValue)
    }

    /// Gives a claim back.
    package func release(_ claim: Claim) { file.unlock(start: claim.rawValue) }

    package func isClaimedElsewhere(_ claim: Claim) -> Bool { file.isLocked(start: claim.rawValue, count: 1) }

    /// Whether another process has the layer mounted or open, or fills it.
    package var isInUse: Bool { file.isLocked(start: 0, count: Self.headerSize) }

    /// Claims the whole layer. Returns false if a process has it mounted or open, or fills it. If true, no process can
    /// do so until this file is closed.
    package func claimAlone() throws(Errno) -> Bool { try file.lock(.exclusive, start: 0, count: Self.headerSize) }

    /// Notes that a file of the layer is opened, by the time stamp of the state file. The stamp is updated once a
    /// minute, so that reads cost no writes. In another user's cache it stays as it is.
    package func noteUse() {
        guard let last = try? file.attributes.modified, last + 60 < Int64(time(nil)) else { return }
        _ = futimens(file.descriptor.rawValue, nil)
    }

    // MARK: Lifecycle

    package var lifecycle: Lifecycle {
        get throws(Errno) { Lifecycle(rawValue: try file.bytes(at: 12, count: 1)[0]) ?? .bad }
    }

    package func setLifecycle(_ lifecycle: Lifecycle) throws(Errno) {
        try file.write([lifecycle.rawValue].span.bytes, at: 12)
    }

    package var layerSize: UInt64 {
        get throws(Errno) { try file.bytes(at: 24, count: 8).littleEndian(UInt64.self, at: 0) }
    }

    package func setLayerSize(_ size: UInt64) throws(Errno) {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: size)
        try file.write(bytes.span.bytes, at: 24)
    }

    /// sha256 of the uncompressed layer; nil until the layer is good.
    package var contentDigest: Digest? {
        get throws(Errno) {
            let raw = try file.bytes(at: 768, count: 32)
            return raw.allSatisfy { $0 == 0 } ? nil : Digest(sha256: raw)
        }
    }

    package func setContentDigest(_ digest: Digest) throws(Errno) {
        try file.write(digest.bytes.span.bytes, at: 768)
    }

    /// Bytes of a compressed layer's content that are placed, from its start on. These bytes may be read.
    package var front: UInt64 {
        get throws(Errno) { try file.bytes(at: 32, count: 8).littleEndian(UInt64.self, at: 0) }
    }

    package func setFront(_ front: UInt64) throws(Errno) {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: front)
        try file.write(bytes.span.bytes, at: 32)
    }

    // MARK: The seal

    private static let sealOffset: UInt64 = 800

    /// Seals the header of a good layer. To be written last before `good`.
    package func seal() throws(Errno) {
        let seal = try expectedSeal()
        try file.write(seal.span.bytes, at: Self.sealOffset)
    }

    /// Whether the header is still the one that was sealed.
    package var isSealed: Bool {
        get throws(Errno) {
            let expected = try expectedSeal()
            let found = try file.bytes(at: Self.sealOffset, count: 32)
            return found == expected
        }
    }

    private func expectedSeal() throws(Errno) -> [UInt8] {
        var header = try file.bytes(at: 0, count: 256)
        header[12] = Lifecycle.good.rawValue
        header += try file.bytes(at: 768, count: 32)
        return Array(DigestHasher.digest(of: header).bytes)
    }

    // MARK: Presence

    /// Resets the state after a reboot: only these chunks are present, and no content is placed.
    package func reset(to isPresent: [Bool]) throws(Errno) {
        var states = [UInt8](repeating: 0, count: isPresent.count)
        for chunk in isPresent.indices where isPresent[chunk] { states[chunk] = Self.presentMark }
        try file.write(states.span.bytes, at: UInt64(Self.headerSize))
        try setFront(0)
        try setLifecycle(.filling)
        try file.sync()
    }

    /// The chunks' state bytes, as in the file.
    package func chunkStates(_ chunks: Range<Int>) throws(Errno) -> [UInt8] {
        try file.bytes(at: UInt64(Self.headerSize + chunks.lowerBound), count: chunks.count)
    }

    /// Marks chunks as present. Call it after the bytes of these chunks are written.
    package func markPresent(_ chunks: Range<Int>) throws(Errno) {
        guard !chunks.isEmpty else { return }
        let bytes = [UInt8](repeating: Self.presentMark, count: chunks.count)
        try file.write(bytes.span.bytes, at: UInt64(Self.headerSize + chunks.lowerBound))
    }
}
