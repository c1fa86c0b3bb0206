// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerFormat
package import OCI
package import Threading

/// Lists a layer's entries without its content, where the form allows it. The result is not verified.
package struct EntryLister {
    package let form: LayerForm
    package let blob: Descriptor
    package let claimedSize: UInt64?
    package let source: any BlobSource
    /// Threads for the requests of `HeaderGuesses`.
    package let guessing: WorkerPool
    package let cancellation: Cancellation

    package init(
        form: LayerForm, blob: Descriptor, claimedSize: UInt64?, source: any BlobSource, guessing: WorkerPool,
        cancellation: Cancellation
    ) {
        self.form = form
        self.blob = blob
        self.claimedSize = claimedSize
        self.source = source
        self.guessing = guessing
        self.cancellation = cancellation
    }

    /// The head of a compressed blob: enough for the headers before the first file, and cheap to fetch twice.
    private static let headSize: UInt64 = 8 << 10
    /// Decompressed bytes in which headers are looked for.
    private static let headLimit = 1 << 20

    /// nil if the entries can only be read from the whole content. Throws the source's errors, and `TarError` or
    /// `LayerIndexBuilder.Failure` for an uncompressed tar that is damaged.
    package func list() throws -> LayerIndex? {
        switch (form.archive, form.compression) {
        case (.raw, nil):
            return LayerIndex(fileOf: blob.size, contentDigest: nil, isVerified: false)
        case (.raw, _):
            return claimedSize.map { LayerIndex(fileOf: $0, contentDigest: nil, isVerified: false) }
        case (.tar, nil):
            do {
                return try TarLister.list(blob, source, guessing, cancellation)
            } catch is RangesIgnored {
                return nil
            }
        case (.tar, let compression?):
            // Damage in the head is no error here: reading the whole content reports it better.
            do {
                return try listHead(compression)
            } catch let error as SourceError {
                throw error
            } catch {
                return nil
            }
        }
    }

    /// Reads the head of a compressed tar. If the first file fills the length that the stream states, up to the two end
    /// blocks, no other header fits, and the tar is listed as that one file until it is verified. tar(1) pads its last
    /// record to 20 blocks. Small members could be in that padding, so such a length proves nothing.
    private func listHead(_ compression: LayerForm.Compression) throws -> LayerIndex? {
        let head = try fetch(ByteRange(upTo: min(blob.size, Self.headSize)))
        var content: [UInt8] = []
        let decompressor = compression.makeDecompressor()
        try decompressor.push(head.span.bytes) { piece in
            if content.count < Self.headLimit { piece.withUnsafeBytes { content.append(contentsOf: $0) } }
        }
        var parser = TarParser(length: nil)
        var builder = LayerIndexBuilder()
        while !parser.isAtEnd {
            let start = Int(clamping: parser.offset)
            guard start <= content.count - parser.wanted else { return nil }
            guard let member = try parser.consume(Array(content[start..<(start + parser.wanted)])) else { continue }
            try builder.add(member)
            guard member.kind == .file else { continue }
            let end = (member.contentOffset + member.size + 511) / 512 * 512
            guard let length = try length(compression, head, atLeast: end + 1024), length == end + 1024 else {
                return nil
            }
            return builder.finish(layerSize: length, contentDigest: nil, isVerified: false)
        }
        return nil
    }

    /// The uncompressed length that the stream states. gzip states it modulo 2^32: the smallest length from `least` on
    /// is returned.
    private func length(_ compression: LayerForm.Compression, _ head: [UInt8], atLeast least: UInt64) throws -> UInt64?
    {
        switch compression {
        case .zstd:
            return ZstdDecompressor.contentSize(of: head)
        case .gzip:
            guard blob.size >= 18, let range = ByteRange(start: blob.size - 4, count: 4) else { return nil }
            let trailer = try range.end <= UInt64(head.count) ? Array(head.suffix(4)) : fetch(range)
            let stated = UInt64(trailer.littleEndian(UInt32.self, at: 0))
            let base = least & ~0xffff_ffff
            return base + stated >= least ? base + stated : base + stated + (1 << 32)
        }
    }

    private func fetch(_ range: ByteRange) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try source.fetch(blob, range: range, cancellation: cancellation) { piece in
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
