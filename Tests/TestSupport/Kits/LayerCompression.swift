// SPDX-License-Identifier: Apache-2.0

/// What a layer is compressed with; by the tools of the same names, which share no code with what reads it here.
public enum LayerCompression: String, Sendable, CaseIterable {
    case gzip, zstd

    /// - Parameter pieces: gzip members or zstd frames in a row; of empty bytes there is one, whatever is asked for.
    public func compress(_ bytes: [UInt8], pieces: Int = 1) throws -> [UInt8] {
        let step = max(1, (bytes.count + pieces - 1) / pieces)
        var result: [UInt8] = []
        for start in stride(from: 0, to: max(1, bytes.count), by: step) {
            let piece = Array(bytes[start..<min(bytes.count, start + step)])
            // With -n there is neither a name nor a time in gzip's header: the same bytes give the same digest.
            let options = self == .gzip ? ["-n", "-c"] : ["-q", "-c"]
            result += try Command.check(rawValue, options, input: piece).stdout
        }
        return result
    }

    public func decompress(_ bytes: [UInt8]) throws -> [UInt8] {
        try Command.check(rawValue, ["-d", "-q", "-c"], input: bytes).stdout
    }
}
