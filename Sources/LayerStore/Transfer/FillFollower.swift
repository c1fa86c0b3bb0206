// SPDX-License-Identifier: Apache-2.0
internal import LayerFormat
internal import OCI
internal import SystemPackage
internal import Threading

/// Reads back what a fill has written, in order, and makes of it what the form asks for. It sees the bytes that
/// readers will get, not those that came from the network.
protocol FillFollower: Sendable {
    /// What the fetching thread writes blob bytes with.
    func writer() throws -> any BlobWriter
    /// Takes the bytes of the blob up to `end`, `hash`ing each. Called with ends that grow, on one thread.
    func follow(to end: UInt64, hash: @escaping @Sendable (RawSpan) -> Void) throws
    /// Bytes of the uncompressed layer that may be read, from its start on.
    var placed: UInt64 { get }
    /// All of the blob was followed.
    func finish() throws -> LayerIndex
}

/// Places bytes of the blob. Belongs to one thread.
protocol BlobWriter: AnyObject {
    func write(_ bytes: RawSpan, at offset: UInt64) throws
}

/// An uncompressed layer: its bytes are placed straight into stream and members, whose places the listing has told.
final class PlainFollower: FillFollower, @unchecked Sendable {
    // SAFETY: after init, the fetching threads call `writer` only, and all else is touched by the one who verifies.
    private let partial: PartialLayer
    private let layout: LayerLayout
    private var files: LayerFiles
    private var entries: EntryFollower
    /// Only where the blob's own digest is of another algorithm.
    private let contentHasher: DigestHasher?
    private var position: UInt64 = 0
    private let buffer = ReadBuffer()
    private var failure: (any Error)?

    init(_ partial: PartialLayer, layout: LayerLayout) throws {
        self.partial = partial
        self.layout = layout
        entries = EntryFollower(partial.key.form.archive)
        contentHasher = partial.key.digest.algorithm == .sha256 ? nil : DigestHasher(.sha256)
        files = try LayerFiles(directory: partial.directory, layout: layout)
        try files.setLength(partial.state.blobSize)
    }

    private final class Writer: BlobWriter {
        private var files: LayerFiles
        init(_ files: LayerFiles) { self.files = files }
        func write(_ bytes: RawSpan, at offset: UInt64) throws { try files.write(bytes, at: offset) }
    }

    func writer() throws -> any BlobWriter {
        Writer(try LayerFiles(directory: partial.directory, layout: layout))
    }

    func follow(to end: UInt64, hash: @escaping @Sendable (RawSpan) -> Void) throws {
        while position < end {
            let memory = buffer.prefix(end - position)
            try files.read(at: position, into: memory)
            let piece = UnsafeRawBufferPointer(memory).bytes
            hash(piece)
            contentHasher?.update(piece)
            // The digest decides first whether these are the layer's bytes at all.
            if failure == nil {
                do { try entries.push(piece) } catch { failure = error }
            }
            position += UInt64(memory.count)
        }
    }

    var placed: UInt64 { position }

    func finish() throws -> LayerIndex {
        if let failure { throw failure }
        // Uncompressed, the blob's digest is the content's; ours is always sha256.
        let digest = contentHasher?.finalize() ?? partial.key.digest
        return try entries.finish(contentDigest: digest)
    }
}

/// A compressed layer: the blob is kept in a file while it is fetched, and decompressed behind the fetch.
final class CompressedFollower: FillFollower, @unchecked Sendable {
    // SAFETY: as for PlainFollower.
    static let blobName = "blob"

    private let blob: OwnedFile
    private let decompressor: any Decompressor
    private let placing: WorkerPool
    private let placer: ContentPlacer
    private var position: UInt64 = 0
    private(set) var placed: UInt64 = 0
    private let buffer = ReadBuffer()
    private var failure: (any Error)?

    /// `placing`: has two threads for each layer that is placed at a time. `admit`: as `ContentPlacer` wants it.
    init(
        _ partial: PartialLayer, _ compression: LayerForm.Compression, placing: WorkerPool,
        admit: @escaping @Sendable (UInt64) throws -> Void
    ) throws {
        self.placing = placing
        decompressor = compression.makeDecompressor()
        blob = try partial.directory.file(Self.blobName, .create(exclusive: false))
        // What an earlier one has placed is placed again, the same bytes: somebody may be reading them. Its room is taken.
        placer = ContentPlacer(
            try LayerFiles(directory: partial.directory, layout: LayerLayout()), partial.key.form.archive,
            admitted: try partial.state.front, pool: placing, admit: admit)
    }

    private final class Writer: BlobWriter {
        private let blob: OwnedFile
        init(_ blob: OwnedFile) { self.blob = blob }
        func write(_ bytes: RawSpan, at offset: UInt64) throws { try blob.write(bytes, at: offset) }
    }

    func writer() throws -> any BlobWriter { Writer(blob) }

    func follow(to end: UInt64, hash: @escaping @Sendable (RawSpan) -> Void) throws {
        defer { placer.settle() }
        while position < end {
            let memory = buffer.prefix(end - position)
            guard try blob.read(at: position, into: memory) == memory.count else { throw Errno.outOfRange }
            // SAFETY: both have ended before the buffer is filled again, and only look at it.
            nonisolated(unsafe) let piece = UnsafeRawBufferPointer(memory)
            try placing.run {
                hash(piece.bytes)
            } beside: {
                try unlessContentIsWrong { try decompressor.push(piece.bytes) { try placer.place($0) } }
            }
            position += UInt64(memory.count)
        }
        try unlessContentIsWrong { placed = try placer.drain() }
    }

    /// What is wrong with the content is told at the end: the digest decides first. What else goes wrong is thrown, as
    /// want of room is.
    private func unlessContentIsWrong(_ body: () throws -> Void) throws {
        guard failure == nil else { return }
        do {
            try body()
        } catch let error as Errno {
            throw error
        } catch let error as StoreError {
            throw error
        } catch {
            failure = error
        }
    }

    func finish() throws -> LayerIndex {
        if let failure { throw failure }
        try decompressor.finish()
        return try placer.finish()
    }
}
