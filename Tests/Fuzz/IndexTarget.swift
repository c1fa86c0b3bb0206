// SPDX-License-Identifier: Apache-2.0
import OCI

@testable import LayerFormat
@testable import DurableFiles
@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

extension FuzzTarget {
    /// The file `indexes/KEY` without its checksum, which the target computes.
    static let index = FuzzTarget(name: "index", seeds: { IndexReadings.seeds }) { bytes in
        let blobSize = bytes.count >= 24 ? bytes.littleEndian(UInt64.self, at: 16) : 0
        require(LayerIndex(decoding: bytes, blobSize: blobSize) == nil, "no checksum, and taken for good")
        guard let index = LayerIndex(decoding: bytes + IndexReadings.checksum(bytes), blobSize: blobSize) else {
            return
        }
        require(index.count * 40 <= bytes.count, "more entries than there is room for")
        IndexReadings.walk(index)
        let written = index.encoded(blobSize: blobSize)
        require(LayerIndex(decoding: written, blobSize: blobSize) == index, "not what was written")
        require(LayerIndex(decoding: written, blobSize: blobSize &+ 1) == nil, "taken for another blob's")
    }
}

enum IndexReadings {
    static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let hex = Array(DigestHasher.digest(of: bytes).hex.utf8)
        func nibble(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
        return stride(from: 0, to: hex.count, by: 2).map { nibble(hex[$0]) << 4 | nibble(hex[$0 + 1]) }
    }

    /// Makes the calls that a mount makes, for each entry.
    static func walk(_ index: LayerIndex) {
        let step = UInt32(index.count / 64 + 1)
        for number in 0..<UInt32(index.count) {
            guard let entry = index.entry(number) else { continue }
            require(entry.parent < number || number == 0, "entry \(number) is above its parent \(entry.parent)")
            switch entry.kind {
            case .file(let content):
                if !content.isEmpty { _ = index.layout.segment(of: content) }
            case .directory(let children):
                require(children.isEmpty || children.upperBound <= UInt32(index.count), "children of \(number) outside")
                require(children.isEmpty || children.lowerBound > number, "children of \(number) above it")
            case .symbolicLink(let target):
                require(target.count <= index.text.count, "a target longer than all text")
            }
            if let name = index.name(of: number) { _ = index.child(of: entry.parent, named: name) }
            if number % step == 0 { _ = index.number(at: index.path(of: number)) }
        }
        require(index.entry(UInt32(index.count)) == nil, "an entry too many")
    }

    /// For an index that we built: each entry but the root has a name, and its parent finds it by that name.
    static func isWellNamed(_ index: LayerIndex) -> Bool {
        (1..<max(1, UInt32(index.count))).allSatisfy { number in
            guard let name = index.name(of: number), let entry = index.entry(number) else { return false }
            return index.child(of: entry.parent, named: name) == number
        }
    }

    static var seeds: [[UInt8]] {
        TarReadings.seeds.compactMap { tar in
            var builder = LayerIndexBuilder()
            for member in TarReadings.list(tar).members { try? builder.add(member) }
            let size = UInt64(tar.count)
            let index = builder.finish(
                layerSize: size, contentDigest: DigestHasher.digest(of: tar), isVerified: true)
            return index.encoded(blobSize: size).dropLast(32)
        }
    }
}
