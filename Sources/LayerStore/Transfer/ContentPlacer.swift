// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerCache
internal import LayerFormat
internal import LayerIndex
internal import OCI
internal import SystemPackage
internal import Threading

/// Hashes and places the content of a compressed layer on a second thread, while the first one decompresses. Both take
/// about the same time, so a layer is placed in half the time.
///
/// Belongs to the one thread that calls `place` and `settle`. Between `settle` and the next `place`, no job runs.
final class ContentPlacer: @unchecked Sendable {
    // SAFETY: the `Monitor` guards what the two threads share. The rest is touched by the job on `pool` while
    // `isPlacing`, otherwise by the owning thread, which waits in `settle` for the job to end.
    private let hasher = DigestHasher(.sha256)
    private var files: LayerFiles
    private var entries: EntryIngester
    private var position: UInt64 = 0
    /// Charges the given number of bytes more. Throws if there is no space.
    private let charge: @Sendable (UInt64) throws -> Void
    /// The content's space is charged up to this offset.
    private var charged: UInt64
    private static let portion: UInt64 = 1 << 20

    private struct Queue {
        var filled: [Piece] = []
        var free = (0..<4).map { _ in Piece() }
        var isPlacing = false
        var failure: (any Error)?
    }
    private let queue = Monitor(Queue())

    private let pool: WorkerPool

    /// Decompressed bytes on their way from the first thread to the second.
    private final class Piece: @unchecked Sendable {
        // SAFETY: a piece belongs to the thread that took it out of the queue.
        private let buffer = ReadBuffer()
        private var count = 0

        var memory: UnsafeRawBufferPointer { UnsafeRawBufferPointer(buffer.prefix(UInt64(count))) }

        /// Returns the number of bytes taken from `source`.
        func fill(_ source: RawSpan) -> Int {
            count = min(source.byteCount, ReadBuffer.size)
            let memory = buffer.prefix(UInt64(count))
            source.extracting(0..<count).withUnsafeBytes { memory.copyMemory(from: $0) }
            return count
        }
    }

    /// `charged`: content bytes whose space is charged already. `pool`: has a thread for each layer that is placed at a
    /// time.
    init(
        _ files: LayerFiles, _ archive: LayerForm.Archive, charged: UInt64, pool: WorkerPool,
        charge: @escaping @Sendable (UInt64) throws -> Void
    ) {
        self.files = files
        self.pool = pool
        entries = EntryIngester(archive)
        self.charged = charged
        self.charge = charge
    }

    /// Takes the next content. Throws the errors of placing earlier content: `Errno`, `StoreError` if there is no
    /// space, and the errors of `EntryIngester.ingest`. After an error the placer cannot be used.
    func place(_ content: RawSpan) throws {
        var done = 0
        while done < content.byteCount {
            let piece = try queue.wait { queue -> Result<Piece, any Error>? in
                if let failure = queue.failure { return .failure(failure) }
                return queue.free.popLast().map { .success($0) }
            }.get()
            done += piece.fill(content.extracting(done..<content.byteCount))
            let isFirst = queue.update { queue in
                queue.filled.append(piece)
                defer { queue.isPlacing = true }
                return !queue.isPlacing
            }
            if isFirst { pool.submit { self.placeFilled() } }
        }
    }

    /// Waits until all content that was taken is placed, or placing has failed.
    func settle() {
        queue.wait { $0.isPlacing ? nil : () }
    }

    /// Waits until all content that was taken is placed. Throws as `place` does. Returns the placed bytes.
    func drain() throws -> UInt64 {
        settle()
        if let failure = queue.update({ $0.failure }) { throw failure }
        return position
    }

    /// The index of the content. To be called after all content was taken and drained.
    func finish() throws -> LayerIndex {
        try entries.finish(contentDigest: hasher.finalize())
    }

    private func placeFilled() {
        while let piece = next() {
            do {
                try place(piece)
                queue.update { $0.free.append(piece) }
            } catch {
                queue.update { queue in
                    queue.failure = error
                    queue.filled = []
                }
            }
        }
    }

    private func next() -> Piece? {
        queue.update { queue in
            if queue.filled.isEmpty {
                queue.isPlacing = false
                return nil
            }
            return queue.filled.removeFirst()
        }
    }

    private func place(_ piece: Piece) throws {
        let content = piece.memory.bytes
        hasher.update(content)
        try entries.ingest(content)
        let end = position + UInt64(content.byteCount)
        if end > charged {
            try charge(max(end - charged, Self.portion))
            charged = max(end, charged + Self.portion)
        }
        // A header comes before its content, so the layout of all bytes in this piece is known by now.
        files.layout = entries.layout
        try files.write(content, at: position)
        position = end
    }
}
