// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerIndex
internal import OCI

/// How the blob of a layer becomes the files that readers read: which chunks make a range readable, where fetched bytes
/// go, and how they are read back, in order, hashed and made sense of.
///
/// Ingesting sees the bytes that readers will get, not those that came from the network.
protocol IngestPlan: Sendable {
    // MARK: Reading

    /// What has to be here for a range of the uncompressed layer to be readable.
    func need(_ range: ByteRange, in chunks: ChunkMap) -> WantList.Need
    /// Chunks that cannot be had, as far as waiters are concerned: nil for all.
    func affected(by chunks: Range<Int>?) -> Range<Int>?
    /// What is to be fetched so that content can be placed up to `goal`; nil if there is enough, or chunks say it all.
    /// `placed`: how far content is readable now.
    func leadingChunks(
        to goal: UInt64, placed: UInt64, _ chunks: ChunkMap, isVerifiedElsewhere: Bool
    ) -> Range<Int>?
    /// Whether what is wanted comes by the work of the verifier, beyond chunks that are here.
    func needsVerifier(_ chunks: ChunkMap) -> Bool
    /// How far the content is readable, from its start on, as all processes see it; nil where chunks say it all.
    func sharedFront() throws -> UInt64?

    // MARK: Writing

    /// What a fetching thread writes blob bytes with.
    func makeWriter() throws -> any BlobWriter

    // MARK: Ingesting, by the one who verifies

    /// Reads back, hashes and places the bytes of the blob up to `end`. Called with ends that grow.
    func ingest(to end: UInt64) throws
    /// Bytes of the blob that were ingested.
    var ingested: UInt64 { get }
    /// Bytes of the uncompressed layer that were placed by that; nil where fetching has placed them.
    var placedFront: UInt64? { get }
    /// The digest of the whole blob, once it is ingested.
    func finishDigest() -> Digest
    /// The index of the whole blob, once its digest is checked. Throws what is wrong with the content.
    func finishIndex() throws -> LayerIndex
    /// Puts the bytes where the index says, where they were placed by another. `isAlive` is called now and then.
    func arrange(for index: LayerIndex, _ isAlive: () -> Void) throws
}

/// Places bytes of the blob. Belongs to one thread.
protocol BlobWriter: AnyObject {
    func write(_ bytes: RawSpan, at offset: UInt64) throws
}
