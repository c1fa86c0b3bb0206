// SPDX-License-Identifier: Apache-2.0
public import OCI
import Glibc
import Synchronization

/// A source with its blobs in memory. It counts requests, and can be made to wait or to fail.
public final class MemorySource: ArtifactSource, OriginSource {
    public let reference: Reference
    private let state: Mutex<State>

    private struct State {
        var blobs: [Digest: [UInt8]] = [:]
        var manifest: [UInt8] = []
        var requests: [ByteRange] = []
        var moved: UInt64 = 0
        var failAfter: UInt64?
        var isHeld = false
        var heldFrom: UInt64?
        var broken: ByteRange?
        var ignoresRanges = false
        var jitter: SplitMix64?
    }

    public init(reference: String = "oci:/memory") throws {
        self.reference = try Reference(parsing: reference)
        state = Mutex(State())
    }

    /// Adds a blob; returns its descriptor.
    @discardableResult
    public func add(_ bytes: [UInt8], _ mediaType: String = "application/vnd.kitops.modelkit.dataset.v1.tar") throws
        -> Descriptor
    {
        guard let type = MediaType(mediaType) else { throw TestSupportError("not a media type: \(mediaType)") }
        let digest = DigestHasher.digest(of: bytes)
        state.withLock { $0.blobs[digest] = bytes }
        return Descriptor(mediaType: type, digest: digest, size: UInt64(bytes.count))
    }

    /// Sets the manifest that `resolve` returns.
    public func setManifest(_ bytes: [UInt8]) { state.withLock { $0.manifest = bytes } }

    /// Replaces the bytes under a digest.
    public func replace(_ digest: Digest, _ bytes: [UInt8]) { state.withLock { $0.blobs[digest] = bytes } }

    /// The requested ranges, in order.
    public var requests: [ByteRange] { state.withLock { $0.requests } }
    /// The number of bytes passed on.
    public var moved: UInt64 { state.withLock { $0.moved } }
    /// The number of bytes, over all transfers, after which transfers fail as unreachable.
    public var failAfter: UInt64? {
        get { state.withLock { $0.failAfter } }
        set { state.withLock { $0.failAfter = newValue } }
    }
    /// Whether transfers wait before their first byte.
    public var isHeld: Bool {
        get { state.withLock { $0.isHeld } }
        set { state.withLock { $0.isHeld = newValue } }
    }

    /// The offset in the blob before which transfers wait.
    public var heldFrom: UInt64? {
        get { state.withLock { $0.heldFrom } }
        set { state.withLock { $0.heldFrom = newValue } }
    }
    /// The range before whose first byte transfers fail as unreachable.
    public var broken: ByteRange? {
        get { state.withLock { $0.broken } }
        set { state.withLock { $0.broken = newValue } }
    }
    /// Whether ranges that do not start at 0 are ignored.
    public var ignoresRanges: Bool {
        get { state.withLock { $0.ignoresRanges } }
        set { state.withLock { $0.ignoresRanges = newValue } }
    }
    /// Makes pieces come with random pauses, of 1 ms on average.
    public func setJitter(seed: UInt64) { state.withLock { $0.jitter = SplitMix64(seed: seed) } }

    private func pause() {
        let pause = state.withLock { state in state.jitter.map { _ in state.jitter?.next() ?? 0 } }
        if let pause { usleep(UInt32(pause % 2000)) }
    }

    public func resolve(_ digest: Digest?) throws(SourceError) -> ResolvedDocument {
        try ResolvedDocument(bytes: state.withLock { $0.manifest }, expected: nil, at: "memory")
    }

    public func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        state.withLock { $0.requests.append(range) }
        while isHeld {
            if cancellation.isCancelled { throw SourceError.cancelled }
            usleepMilliseconds(2)
        }
        if ignoresRanges, range.start > 0 { throw RangesIgnored() }
        guard let bytes = state.withLock({ $0.blobs[blob.digest] }) else {
            throw SourceError.notFound("no \(blob.digest)")
        }
        var position = range.start
        while position < range.end {
            if cancellation.isCancelled { throw SourceError.cancelled }
            var count = Int(min(range.end - position, 50_000))
            if let held = heldFrom, position + UInt64(count) > held {
                guard position < held else {
                    usleepMilliseconds(2)
                    continue
                }
                count = Int(held - position)
            }
            pause()
            if let broken, position < broken.end, position + UInt64(count) > broken.start {
                throw SourceError.unreachable("as it was told to")
            }
            if let limit = failAfter, moved + UInt64(count) > limit {
                throw SourceError.unreachable("as it was told to")
            }
            guard Int(position) + count <= bytes.count else { throw SourceError.unusable("the blob is too short") }
            let piece = Array(bytes[Int(position)..<Int(position) + count])
            // Counted first, so that waiters who are woken see the new number.
            state.withLock { $0.moved += UInt64(count) }
            try receive(piece.span.bytes)
            position += UInt64(count)
        }
    }
}

func usleepMilliseconds(_ milliseconds: UInt32) { usleep(milliseconds * 1000) }
