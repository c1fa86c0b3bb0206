// SPDX-License-Identifier: Apache-2.0

/// The compression of a layer. The command-line tools of the same names do it, which share no code with the reader
/// under test.
public enum LayerCompression: String, Sendable, CaseIterable {
    case gzip, zstd

    /// - Parameter pieces: the number of gzip members or zstd frames. For empty bytes there is only one.
    public func compress(_ bytes: [UInt8], pieces: Int = 1) throws -> [UInt8] {
        let step = max(1, (bytes.count + pieces - 1) / pieces)
        var result: [UInt8] = []
        for start in stride(from: 0, to: max(1, bytes.count), by: step) {
            let piece = Array(bytes[start..<min(bytes.count, start + step)])
            // With -n, gzip's header has neither a name nor a time, so the same bytes always give the same digest.
            let options = self == .gzip ? ["-n", "-c"] : ["-q", "-c"]
            result += try Command.check(rawValue, options, input: piece).stdout
        }
        return result
    }

    public func decompress(_ bytes: [UInt8]) throws -> [UInt8] {
        try Command.check(rawValue, ["-d", "-q", "-c"], input: bytes).stdout
    }
}
