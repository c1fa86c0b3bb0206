// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerCache
internal import LayerFormat
internal import LayerIndex
internal import OCI
internal import SystemPackage
private import Synchronization
internal import Threading

/// Ingests a compressed layer. The blob is kept in a file while it is fetched, and decompressed as it arrives. A range
/// is readable once the content is placed up to its end.
final class CompressedIngest: IngestPlan, @unchecked Sendable {
    // SAFETY: as for PlainIngest.
    private let partial: PartialLayer
    private let blob: OwnedFile
    private let decompressor: any Decompressor
    private let placing: WorkerPool
    private let placer: ContentPlacer
    private let hasher: DigestHasher
    private let position = Atomic<UInt64>(0)
    private let placed = Atomic<UInt64>(0)
    private let buffer = ReadBuffer()
    private var failure: (any Error)?
    /// Bytes of the blob that are fetched ahead of the decompressor.
    private let lead: UInt64

    /// `placing`: has two threads for each layer that is ingested at a time. `charge`: see `ContentPlacer`. `lead`:
    /// bytes.
    init(
        _ partial: PartialLayer, _ compression: LayerForm.Compression, placing: WorkerPool, lead: UInt64,
        charge: @escaping @Sendable (UInt64) throws -> Void
    ) throws {
        self.partial = partial
        self.placing = placing
        self.lead = lead
        decompressor = compression.makeDecompressor()
        hasher = DigestHasher(partial.key.digest.algorithm)
        blob = try partial.directory.file(LayerFiles.blobName, .create(exclusive: false))
        // Content that an earlier verifier placed is placed again with the same bytes, since it may be in use by
        // readers. Its space is charged already.
        placer = ContentPlacer(
            try LayerFiles(directory: partial.directory, layout: LayerLayout()), partial.key.form.archive,
            charged: try partial.state.front, pool: placing, charge: charge)
    }

    // MARK: Reading

    func need(_ range: ByteRange, in chunks: ChunkMap) -> WantList.Need { .front(range.end) }

    func affected(by chunks: Range<Int>?) -> Range<Int>? { nil }

    /// The chunks up to the lead. Which chunks contain some content is unknown, so the blob is fetched in order. No
    /// more is fetched ahead of the decompressor than speed requires, also while a slow request holds up the chunks
    /// before.
    func leadingChunks(
        to goal: UInt64, placed: UInt64, _ chunks: ChunkMap, isVerifiedElsewhere: Bool
    ) -> Range<Int>? {
        guard placed < goal, !chunks.isWhole else { return nil }
        let front = chunks.frontChunk
        if isVerifiedElsewhere { return front..<chunks.count }
        let end = min(chunks.count, Int((ingested + lead) / StateFile.chunkSize))
        return front < end ? front..<end : nil
    }

    func needsVerifier(_ chunks: ChunkMap) -> Bool { true }

    func sharedFront() throws -> UInt64? { try partial.state.front }

    // MARK: Writing

    private final class Writer: BlobWriter {
        private let blob: OwnedFile
        init(_ blob: OwnedFile) { self.blob = blob }
        func write(_ bytes: RawSpan, at offset: UInt64) throws { try blob.write(bytes, at: offset) }
    }

    func makeWriter() throws -> any BlobWriter { Writer(blob) }

    // MARK: Ingesting

    func ingest(to end: UInt64) throws {
        defer { placer.settle() }
        while ingested < end {
            let memory = buffer.prefix(end - ingested)
            guard try blob.read(at: ingested, into: memory) == memory.count else { throw Errno.outOfRange }
            // SAFETY: both closures end before the buffer is filled again, and only read it.
            nonisolated(unsafe) let piece = UnsafeRawBufferPointer(memory)
            try placing.run { [self] in
                hasher.update(piece.bytes)
            } beside: {
                try unlessContentIsWrong { try decompressor.push(piece.bytes) { try placer.place($0) } }
            }
            position.store(ingested + UInt64(memory.count), ordering: .releasing)
        }
        try unlessContentIsWrong { placed.store(try placer.drain(), ordering: .releasing) }
    }

    /// Keeps an error in the content for `finishIndex`, since the digest is checked first. Other errors, such as a full
    /// disk, are thrown.
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

    var ingested: UInt64 { position.load(ordering: .acquiring) }

    var placedFront: UInt64? { placed.load(ordering: .acquiring) }

    func finishDigest() -> Digest { hasher.finalize() }

    func finishIndex() throws -> LayerIndex {
        if let failure { throw failure }
        try decompressor.finish()
        return try placer.finish()
    }

    /// Does nothing: the content was placed by its own headers.
    func arrange(for index: LayerIndex, _ isAlive: () -> Void) throws {}
}
