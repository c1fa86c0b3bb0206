// SPDX-License-Identifier: Apache-2.0
import TestSupport

@testable import LayerFormat

enum GzipReading {
    /// Compresses by gzip(1), without name and time.
    static func compress(_ bytes: [UInt8], _ options: [String] = []) throws -> [UInt8] {
        try Command.check("gzip", ["-n"] + options, input: bytes).stdout
    }

    /// Inflates a stream in pieces of the sizes that `next` gives.
    static func inflate(_ stream: [UInt8], next: () -> Int) throws -> [UInt8] {
        let inflater = GzipInflater()
        var output: [UInt8] = []
        var done = 0
        while done < stream.count {
            let end = min(done + next(), stream.count)
            try inflater.push(stream.span.bytes.extracting(done..<end)) { piece in
                piece.withUnsafeBytes { output.append(contentsOf: $0) }
            }
            done = end
        }
        try inflater.finish()
        return output
    }

    static func inflate(_ stream: [UInt8], piece: Int = .max) throws -> [UInt8] {
        try inflate(stream) { min(piece, max(1, stream.count)) }
    }

    /// Bytes that are neither random nor all equal, like source code.
    static func text(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 42)
        let words = ["weights", "layer", " ", "\n", "attention", "0.125, ", "tensor", "{", "}", "日本語"]
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += (words.randomElement(using: &generator) ?? "").utf8 }
        return Array(bytes.prefix(count))
    }
}
