// SPDX-License-Identifier: Apache-2.0
internal import LayerFormat
package import OCI

/// Finds a layer's entries in the uncompressed bytes, which are pushed in order from the first one.
package struct EntryIngester {
    private let archive: LayerForm.Archive
    private var tar = TarStreamParser()
    private var builder = LayerIndexBuilder()
    private var position: UInt64 = 0

    package init(_ archive: LayerForm.Archive) { self.archive = archive }

    /// The layout of the bytes pushed so far.
    package var layout: LayerLayout {
        switch archive {
        case .tar: builder.layout
        case .raw: LayerLayout(members: [ByteRange(upTo: UInt64(Int64.max))])
        }
    }

    /// Throws `TarError` and `LayerIndexBuilder.Failure`.
    package mutating func ingest(_ piece: RawSpan) throws {
        if archive == .tar { try tar.push(piece) { try builder.add($0) } }
        position += UInt64(piece.byteCount)
    }

    /// The index of the pushed bytes. Their digest was checked.
    package func finish(contentDigest: Digest?) throws -> LayerIndex {
        switch archive {
        case .raw:
            return LayerIndex(fileOf: position, contentDigest: contentDigest, isVerified: true)
        case .tar:
            try tar.finish()
            return builder.finish(layerSize: position, contentDigest: contentDigest, isVerified: true)
        }
    }
}

extension LayerIndex {
    /// The index of a raw layer. Its root is the one file; the kit's path of the layer is that file's name.
    package init(fileOf size: UInt64, contentDigest: Digest?, isVerified: Bool) {
        let root = Node(
            kind: .file, nameCount: 0, mode: 0o644, nameStart: 0, parent: 0, size: size, start: 0, modified: 0)
        self.init(
            isVerified: isVerified, layerSize: size, contentDigest: contentDigest,
            layout: LayerLayout(members: [ByteRange(upTo: size)]), nodes: [root], text: [])
    }
}
