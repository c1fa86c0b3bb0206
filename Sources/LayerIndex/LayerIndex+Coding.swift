// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import OCI

/// The file `indexes/KEY`.
///
/// Little-endian: `KITFSIDX`, version (4 bytes), flags (4: bit 0 verified, bit 1 content digest known), sizes of blob
/// and uncompressed layer (8 each), counts of large members, nodes and text bytes (8 each), sha256 of the uncompressed
/// layer (32); then large members (offset and count, 8 each), nodes (40 each), text; last, the sha256 of all before.
extension LayerIndex {
    private static let magic = Array("KITFSIDX".utf8)
    private static let version: UInt32 = 1
    private static let headerSize = 96
    private static let nodeSize = 40
    private static let checksumSize = 32

    package func encoded(blobSize: UInt64) -> [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(Self.headerSize + nodes.count * Self.nodeSize + text.count + 64)
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt32(isVerified ? 1 : 0) | UInt32(contentDigest == nil ? 0 : 2))
        bytes.append(littleEndian: blobSize)
        bytes.append(littleEndian: layerSize)
        bytes.append(littleEndian: UInt64(layout.members.count))
        bytes.append(littleEndian: UInt64(nodes.count))
        bytes.append(littleEndian: UInt64(text.count))
        bytes.append(littleEndian: UInt64(0))
        bytes.append(contentsOf: Self.rawBytes(contentDigest))
        for member in layout.members {
            bytes.append(littleEndian: member.start)
            bytes.append(littleEndian: member.count)
        }
        for node in nodes {
            bytes.append(node.kind.rawValue)
            bytes.append(node.nameCount)
            bytes.append(littleEndian: node.mode)
            bytes.append(littleEndian: node.nameStart)
            bytes.append(littleEndian: node.parent)
            bytes.append(littleEndian: UInt32(0))
            bytes.append(littleEndian: node.size)
            bytes.append(littleEndian: node.start)
            bytes.append(littleEndian: node.modified)
        }
        bytes.append(contentsOf: text)
        bytes.append(contentsOf: Self.rawBytes(DigestHasher.digest(of: bytes)))
        return bytes
    }

    /// Whether these bytes are an index that this version wrote, for any blob.
    package static func isIntact(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= headerSize else { return false }
        return LayerIndex(decoding: bytes, blobSize: bytes.littleEndian(UInt64.self, at: 16)) != nil
    }

    /// nil for anything that this version did not write for a blob of this size. The index is then made again.
    package init?(decoding bytes: [UInt8], blobSize: UInt64) {
        guard bytes.count >= Self.headerSize + Self.checksumSize, bytes.starts(with: Self.magic),
            bytes.littleEndian(UInt32.self, at: 8) == Self.version,
            bytes.littleEndian(UInt64.self, at: 16) == blobSize
        else { return nil }
        let body = bytes.count - Self.checksumSize
        let hasher = DigestHasher(.sha256)
        hasher.update(bytes.span.bytes.extracting(0..<body))
        guard Self.rawBytes(hasher.finalize()).elementsEqual(bytes[body...]) else { return nil }

        // A matching checksum means that kitfs wrote these bytes. The bounds are checked all the same.
        let flags = bytes.littleEndian(UInt32.self, at: 12)
        guard let members = Int(exactly: bytes.littleEndian(UInt64.self, at: 32)),
            let nodeCount = Int(exactly: bytes.littleEndian(UInt64.self, at: 40)),
            let textCount = Int(exactly: bytes.littleEndian(UInt64.self, at: 48)),
            members <= bytes.count, nodeCount <= bytes.count, nodeCount > 0, textCount <= bytes.count,
            body == Self.headerSize + members * 16 + nodeCount * Self.nodeSize + textCount
        else { return nil }
        var layout = LayerLayout()
        var offset = Self.headerSize
        for _ in 0..<members {
            guard
                let member = ByteRange(
                    start: bytes.littleEndian(UInt64.self, at: offset),
                    count: bytes.littleEndian(UInt64.self, at: offset + 8)),
                layout.members.last.map({ $0.end <= member.start }) ?? true
            else { return nil }
            layout.append(member)
            offset += 16
        }
        var nodes: [Node] = []
        nodes.reserveCapacity(nodeCount)
        for index in 0..<nodeCount {
            guard let node = Node(decoding: bytes, at: offset, index: index, nodeCount: nodeCount, textCount: textCount)
            else { return nil }
            nodes.append(node)
            offset += Self.nodeSize
        }
        isVerified = flags & 1 != 0
        layerSize = bytes.littleEndian(UInt64.self, at: 24)
        contentDigest = flags & 2 == 0 ? nil : Digest(sha256: bytes[64..<96])
        self.layout = layout
        self.nodes = nodes
        text = Array(bytes[offset..<body])
    }

    private static func rawBytes(_ digest: Digest?) -> [UInt8] {
        digest?.bytes ?? [UInt8](repeating: 0, count: checksumSize)
    }
}

extension LayerIndex.Node {
    fileprivate init?(decoding bytes: [UInt8], at offset: Int, index: Int, nodeCount: Int, textCount: Int) {
        guard let kind = Kind(rawValue: bytes[offset]) else { return nil }
        self.kind = kind
        nameCount = bytes[offset + 1]
        mode = bytes.littleEndian(UInt16.self, at: offset + 2)
        nameStart = bytes.littleEndian(UInt32.self, at: offset + 4)
        parent = bytes.littleEndian(UInt32.self, at: offset + 8)
        size = bytes.littleEndian(UInt64.self, at: offset + 16)
        start = bytes.littleEndian(UInt64.self, at: offset + 24)
        modified = bytes.littleEndian(Int64.self, at: offset + 32)
        guard Int(nameStart) + Int(nameCount) <= textCount, Int(parent) < max(index, 1),
            let range = ByteRange(start: start, count: size)
        else { return nil }
        switch kind {
        case .file: break
        case .directory:
            // Children have higher numbers than their directory, so that no walk downwards can loop.
            guard range.end <= UInt64(nodeCount), range.isEmpty || range.start > UInt64(index) else { return nil }
        case .symbolicLink:
            guard range.end <= UInt64(textCount) else { return nil }
        }
    }
}
