// SPDX-License-Identifier: Apache-2.0
internal import LayerFormat
internal import OCI

/// Makes the index of an uncompressed tar from its headers alone, asking for a window around each.
///
/// Where headers lie close together the window doubles each time, so that many small members cost few requests; where
/// the next header is far away, the content between is passed over and the window is small again.
struct TarLister {
    let blob: Descriptor
    let source: any BlobSource
    let cancellation: Cancellation

    private static let smallWindow: UInt64 = 4 << 10
    private static let largeWindow: UInt64 = 1 << 20
    /// A header no further behind the window than this counts as close.
    private static let gap: UInt64 = 32 << 10

    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    private var windowSize = smallWindow

    init(blob: Descriptor, source: any BlobSource, cancellation: Cancellation) {
        self.blob = blob
        self.source = source
        self.cancellation = cancellation
    }

    /// Lists a blob; what is no tar at one place is asked for at the next, if there is one.
    static func list(_ blob: Descriptor, _ source: any BlobSource, _ cancellation: Cancellation) throws -> LayerIndex {
        while true {
            var lister = TarLister(blob: blob, source: source, cancellation: cancellation)
            do {
                return try lister.index()
            } catch let error where !(error is SourceError) {
                guard source.distrust(blob) else { throw error }
            }
        }
    }

    /// Throws `TarError`, `LayerIndexBuilder.Failure`, and what the source throws.
    mutating func index() throws -> LayerIndex {
        var parser = TarParser(length: blob.size)
        var builder = LayerIndexBuilder()
        while !parser.isAtEnd {
            guard let bytes = try bytes(at: parser.offset, count: parser.wanted) else {
                if let error = parser.prematureEnd(at: blob.size) { throw error }
                break
            }
            if let member = try parser.consume(bytes) { try builder.add(member) }
        }
        return builder.finish(layerSize: blob.size, contentDigest: nil, isVerified: false)
    }

    /// nil where the blob ends before.
    private mutating func bytes(at offset: UInt64, count: Int) throws -> [UInt8]? {
        guard let wanted = ByteRange(start: offset, count: UInt64(count)), wanted.end <= blob.size else { return nil }
        if wanted.start < windowStart || wanted.end > windowStart + UInt64(window.count) { try moveWindow(to: wanted) }
        let first = Int(wanted.start - windowStart)
        return Array(window[first..<(first + count)])
    }

    private mutating func moveWindow(to wanted: ByteRange) throws {
        let end = windowStart + UInt64(window.count)
        let isNear = !window.isEmpty && wanted.start >= windowStart && wanted.start <= end + Self.gap
        windowSize = isNear ? min(windowSize * 2, Self.largeWindow) : Self.smallWindow
        // What is in the window and still wanted is kept.
        var bytes = isNear && wanted.start < end ? Array(window[Int(wanted.start - windowStart)...]) : []
        let fetchStart = wanted.start + UInt64(bytes.count)
        let fetchEnd = min(blob.size, max(wanted.end, fetchStart + windowSize))
        guard let range = ByteRange(start: fetchStart, count: fetchEnd - fetchStart) else {
            throw TarError.truncated(offset: wanted.start)
        }
        bytes.reserveCapacity(bytes.count + Int(range.count))
        try source.fetch(blob, range: range, cancellation: cancellation) { piece in
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        window = bytes
        windowStart = wanted.start
    }
}
