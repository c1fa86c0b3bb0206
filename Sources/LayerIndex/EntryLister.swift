// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerFormat
package import OCI
package import Threading

/// Tells a layer's entries without its content, where that can be: what it tells is not verified.
package struct EntryLister {
    package let form: LayerForm
    package let blob: Descriptor
    package let claimedSize: UInt64?
    package let source: any BlobSource
    /// Where headers are asked for before it is known that they are there.
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

    /// The head of a compressed blob: enough for the headers before the first file, and little to fetch twice.
    private static let headSize: UInt64 = 8 << 10
    /// No header is looked for behind so many decompressed bytes.
    private static let headLimit = 1 << 20

    /// nil where only the content tells. Throws what the source throws, and what speaks against a tar.
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
            // What is wrong with it, the whole will tell better.
            do {
                return try listHead(compression)
            } catch let error as SourceError {
                throw error
            } catch {
                return nil
            }
        }
    }

    /// Reads the head of a compressed tar. Where its first file and the length that the stream states leave room for no
    /// other header, the tar is listed as that one file until it is verified. tar(1) fills up its last record of 20 blocks,
    /// which may as well hold small members: such a length proves nothing.
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

    /// What the stream says of its uncompressed length; of a gzip's, which is modulo 2^32, the first that is possible.
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
