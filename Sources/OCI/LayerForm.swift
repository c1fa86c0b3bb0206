// SPDX-License-Identifier: Apache-2.0

/// The form of a layer's bytes: the archive that holds the files, and its compression.
public struct LayerForm: Hashable, Sendable, CustomStringConvertible {
    public enum Archive: String, Sendable { case tar, raw }
    public enum Compression: String, Sendable { case gzip, zstd }

    public let archive: Archive
    public let compression: Compression?

    public init(_ archive: Archive, _ compression: Compression? = nil) {
        self.archive = archive
        self.compression = compression
    }

    /// Parses `tar`, `raw`, `tar+gzip` …, the last part of a layer's media type. `gzip-fastest`, which older versions
    /// of kit wrote, is gzip.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let archive = Archive(rawValue: String(first)) else { return nil }
        guard parts.count == 2 else {
            self.init(archive)
            return
        }
        let name = parts[1] == "gzip-fastest" ? "gzip" : String(parts[1])
        guard let compression = Compression(rawValue: name) else { return nil }
        self.init(archive, compression)
    }

    public var description: String { compression.map { "\(archive.rawValue)+\($0.rawValue)" } ?? archive.rawValue }
}
