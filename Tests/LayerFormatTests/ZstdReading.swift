// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport

@testable import LayerFormat

enum ZstdReading {
    /// Compresses by zstd(1), with a content checksum.
    static func compress(_ bytes: [UInt8], _ options: [String] = []) throws -> [UInt8] {
        try Command.check("zstd", ["-q", "-c"] + options, input: bytes).stdout
    }

    /// A skippable frame. Spec: RFC 8878, section 3.1.2.
    static func skippable(_ content: [UInt8]) -> [UInt8] {
        let count = UInt32(content.count)
        return [0x53, 0x2a, 0x4d, 0x18] + (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) } + content
    }

    /// Decompresses a stream in pieces of the sizes that `next` gives.
    static func decompress(_ stream: [UInt8], next: () -> Int) throws -> [UInt8] {
        let decompressor = ZstdDecompressor()
        var output: [UInt8] = []
        var done = 0
        while done < stream.count {
            let end = min(done + next(), stream.count)
            try decompressor.push(stream.span.bytes.extracting(done..<end)) { piece in
                piece.withUnsafeBytes { output.append(contentsOf: $0) }
            }
            done = end
        }
        try decompressor.finish()
        return output
    }

    static func decompress(_ stream: [UInt8], piece: Int = .max) throws -> [UInt8] {
        try decompress(stream) { min(piece, max(1, stream.count)) }
    }
}
