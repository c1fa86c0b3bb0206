// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import OCI

/// How the blob of a layer becomes the files that readers read: which chunks make a range readable, where fetched bytes
/// are written, and how they are read back in order, hashed and parsed.
///
/// Ingesting reads the bytes that readers will get, not those that arrived from the network.
protocol IngestPlan: Sendable {
    // MARK: Reading

    /// What must be present for a range of the uncompressed layer to be readable.
    func need(_ range: ByteRange, in chunks: ChunkMap) -> WantList.Need
    /// The chunks whose waiters fail when these chunks cannot be had; nil for all.
    func affected(by chunks: Range<Int>?) -> Range<Int>?
    /// The chunks to fetch so that content can be placed up to `goal`; nil if enough is present, or if needs are in
    /// chunks. `placed`: the end of the readable content.
    func leadingChunks(
        to goal: UInt64, placed: UInt64, _ chunks: ChunkMap, isVerifiedElsewhere: Bool
    ) -> Range<Int>?
    /// Whether waiters depend on the verifier's work, beyond chunks that are present.
    func needsVerifier(_ chunks: ChunkMap) -> Bool
    /// The end of the readable content, as all processes see it; nil if readability depends on chunks only.
    func sharedFront() throws -> UInt64?

    // MARK: Writing

    /// A writer for a fetching thread.
    func makeWriter() throws -> any BlobWriter

    // MARK: Ingesting, by the verifier

    /// Reads back, hashes and places the bytes of the blob up to `end`. Each call has a larger `end`.
    func ingest(to end: UInt64) throws
    /// Bytes of the blob that were ingested.
    var ingested: UInt64 { get }
    /// Bytes of the uncompressed layer that ingesting has placed; nil if fetching places them.
    var placedFront: UInt64? { get }
    /// The digest of the whole blob. To be called once the blob is ingested.
    func finishDigest() -> Digest
    /// The index of the whole blob. To be called once its digest is checked. Throws the content's errors.
    func finishIndex() throws -> LayerIndex
    /// Moves bytes that were placed by another layout to where the index says. `isAlive` is called now and then.
    func arrange(for index: LayerIndex, _ isAlive: () -> Void) throws
}

/// Places bytes of the blob. Belongs to one thread.
protocol BlobWriter: AnyObject {
    func write(_ bytes: RawSpan, at offset: UInt64) throws
}
