// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerCache
internal import LayerIndex
internal import OCI
private import Synchronization

/// Ingests an uncompressed layer. Its bytes are placed straight into stream and members, by the layout of the listing.
final class PlainIngest: IngestPlan, @unchecked Sendable {
    // SAFETY: after init, fetching threads call only `makeWriter`, and readers only what concerns chunks. All else is
    // touched by the verifier, which runs on one thread at a time.
    private let partial: PartialLayer
    private let layout: LayerLayout
    private var files: LayerFiles
    private var entries: EntryIngester
    private let hasher: DigestHasher
    /// Only if the blob's own digest is of another algorithm than sha256.
    private let contentHasher: DigestHasher?
    private let position = Atomic<UInt64>(0)
    private let buffer = ReadBuffer()
    private var failure: (any Error)?

    init(_ partial: PartialLayer, layout: LayerLayout) throws {
        self.partial = partial
        self.layout = layout
        entries = EntryIngester(partial.key.form.archive)
        hasher = DigestHasher(partial.key.digest.algorithm)
        contentHasher = partial.key.digest.algorithm == .sha256 ? nil : DigestHasher(.sha256)
        files = try LayerFiles(directory: partial.directory, layout: layout)
        try files.setLength(partial.state.blobSize)
    }

    // MARK: Reading

    func need(_ range: ByteRange, in chunks: ChunkMap) -> WantList.Need { .chunks(chunks.chunks(of: range)) }

    func affected(by chunks: Range<Int>?) -> Range<Int>? { chunks }

    func leadingChunks(
        to goal: UInt64, placed: UInt64, _ chunks: ChunkMap, isVerifiedElsewhere: Bool
    ) -> Range<Int>? { nil }

    func needsVerifier(_ chunks: ChunkMap) -> Bool { chunks.isWhole }

    func sharedFront() throws -> UInt64? { nil }

    // MARK: Writing

    private final class Writer: BlobWriter {
        private var files: LayerFiles
        init(_ files: LayerFiles) { self.files = files }
        func write(_ bytes: RawSpan, at offset: UInt64) throws { try files.write(bytes, at: offset) }
    }

    func makeWriter() throws -> any BlobWriter {
        Writer(try LayerFiles(directory: partial.directory, layout: layout))
    }

    // MARK: Ingesting

    func ingest(to end: UInt64) throws {
        while ingested < end {
            let memory = buffer.prefix(end - ingested)
            try files.read(at: ingested, into: memory)
            let piece = UnsafeRawBufferPointer(memory).bytes
            hasher.update(piece)
            contentHasher?.update(piece)
            // An error in the content is kept for `finishIndex`, since the digest is checked first.
            if failure == nil {
                do { try entries.ingest(piece) } catch { failure = error }
            }
            position.store(ingested + UInt64(memory.count), ordering: .releasing)
        }
    }

    var ingested: UInt64 { position.load(ordering: .acquiring) }

    var placedFront: UInt64? { nil }

    func finishDigest() -> Digest { hasher.finalize() }

    func finishIndex() throws -> LayerIndex {
        if let failure { throw failure }
        // The content of an uncompressed layer is the blob. The content digest is always sha256.
        let digest = contentHasher?.finalize() ?? partial.key.digest
        return try entries.finish(contentDigest: digest)
    }

    /// The layouts differ if the listing was wrong, or if there was none. The layer itself is right.
    func arrange(for index: LayerIndex, _ isAlive: () -> Void) throws {
        if index.layout == layout { return }
        try partial.rearrange(from: layout, to: index.layout, size: index.layerSize, isAlive)
    }
}
