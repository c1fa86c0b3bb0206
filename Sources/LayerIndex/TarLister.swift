// SPDX-License-Identifier: Apache-2.0
internal import LayerFormat
package import OCI
package import Threading

/// Makes the index of an uncompressed tar from its headers alone, by requesting a window of bytes around each.
///
/// Where headers are so close together that reading on costs less than another request, the window doubles each time,
/// so that many small members cost few requests. Where the next header is far away, the content between is skipped and
/// the window is small again. Where members follow each other at equal strides, `HeaderGuesses` requests many headers
/// at once.
package struct TarLister {
    package let blob: Descriptor
    package let source: any BlobSource
    private let guessing: WorkerPool
    package let cancellation: Cancellation

    private static let smallWindow: UInt64 = 2 << 10

    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    private var windowSize = smallWindow
    private var link = LinkEstimate()
    private var guesses = HeaderGuesses()

    package init(blob: Descriptor, source: any BlobSource, guessing: WorkerPool, cancellation: Cancellation) {
        self.blob = blob
        self.source = source
        self.guessing = guessing
        self.cancellation = cancellation
    }

    /// Lists a blob. If one source's bytes are no tar, the next source is asked, if there is one.
    package static func list(
        _ blob: Descriptor, _ source: any BlobSource, _ guessing: WorkerPool, _ cancellation: Cancellation
    ) throws -> LayerIndex {
        while true {
            var lister = TarLister(blob: blob, source: source, guessing: guessing, cancellation: cancellation)
            do {
                return try lister.index()
            } catch let error where !(error is SourceError) && !(error is RangesIgnored) {
                guard source.distrust(blob) else { throw error }
            }
        }
    }

    /// Throws `TarError`, `LayerIndexBuilder.Failure`, and what the source throws.
    package mutating func index() throws -> LayerIndex {
        var parser = TarParser(length: blob.size)
        var builder = LayerIndexBuilder()
        while !parser.isAtEnd {
            guard let bytes = try bytes(at: parser.offset, count: parser.wanted) else {
                if let error = parser.prematureEnd(at: blob.size) { throw error }
                break
            }
            guard let member = try parser.consume(bytes) else { continue }
            try builder.add(member)
            guesses.note(member, next: parser.offset)
        }
        return builder.finish(layerSize: blob.size, contentDigest: nil, isVerified: false)
    }

    /// nil if the blob ends before that.
    private mutating func bytes(at offset: UInt64, count: Int) throws -> [UInt8]? {
        guard let wanted = ByteRange(start: offset, count: UInt64(count)), wanted.end <= blob.size else { return nil }
        if !isInWindow(wanted) { try moveWindow(to: wanted) }
        let first = Int(wanted.start - windowStart)
        return Array(window[first..<(first + count)])
    }

    private func isInWindow(_ wanted: ByteRange) -> Bool {
        wanted.start >= windowStart && wanted.end <= windowStart + UInt64(window.count)
    }

    private mutating func moveWindow(to wanted: ByteRange) throws {
        if let guessed = try guesses.header(at: wanted.start, of: blob, source, guessing, cancellation),
            guessed.count >= Int(wanted.count)
        {
            window = guessed
            windowStart = wanted.start
            return
        }
        let end = windowStart + UInt64(window.count)
        let isNear = !window.isEmpty && wanted.start >= windowStart && wanted.start <= end + link.gap
        windowSize = isNear ? min(windowSize * 2, link.largeWindow) : Self.smallWindow
        // The bytes of the old window that are still needed are kept.
        var bytes = isNear && wanted.start < end ? Array(window[Int(wanted.start - windowStart)...]) : []
        let fetchStart = wanted.start + UInt64(bytes.count)
        let fetchEnd = min(blob.size, max(wanted.end, fetchStart + windowSize))
        guard let range = ByteRange(start: fetchStart, count: fetchEnd - fetchStart) else {
            throw TarError.truncated(offset: wanted.start)
        }
        bytes.reserveCapacity(bytes.count + Int(range.count))
        let start = ContinuousClock.now
        try source.fetch(blob, range: range, cancellation: cancellation) { piece in
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        link.note(range.count, in: ContinuousClock.now - start)
        window = bytes
        windowStart = wanted.start
    }
}

/// An estimate of a link's round trip and rate, from the requests so far.
package struct LinkEstimate {
    /// The shortest time of a small request, in seconds.
    private var roundTrip = 0.001
    private var hasRoundTrip = false
    /// Bytes per second.
    private var rate = 100e6

    package mutating func note(_ count: UInt64, in time: Duration) {
        let seconds = max(1e-6, Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18)
        if count <= 16 << 10 {
            roundTrip = hasRoundTrip ? min(roundTrip, seconds) : seconds
            hasRoundTrip = true
        } else if count >= 256 << 10, seconds > roundTrip {
            rate = Double(count) / (seconds - roundTrip)
        }
    }

    private var bytesInRoundTrip: UInt64 { UInt64(min(roundTrip * rate, 1e9)) }

    /// The largest gap, in bytes, that is faster to read through than to skip with another request.
    package var gap: UInt64 { max(32 << 10, min(bytesInRoundTrip / 2, 1 << 20)) }
    /// The largest window, in bytes.
    package var largeWindow: UInt64 { max(1 << 20, min(bytesInRoundTrip * 2, 16 << 20)) }
}
