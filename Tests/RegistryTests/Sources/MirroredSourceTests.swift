// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite final class MirroredSourceTests {
    private let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    private let sources: [MemorySource]
    private let blob: Descriptor
    private let source: MirroredSource

    init() throws {
        let bytes = bytes
        sources = try (0..<3).map { _ in try MemorySource() }
        blob = try sources.map { try $0.add(bytes) }[0]
        source = MirroredSource(try Reference(parsing: "oci:/memory"), sources: sources)
    }

    private var asked: [Int] { sources.map(\.requests.count) }

    @Test func theFirstServes() throws {
        #expect(try source.bytes(blob) == bytes)
        #expect(asked == [1, 0, 0])
    }

    @Test func theNextGoesOnAtTheByteReached() throws {
        sources[0].failAfter = 110_000
        sources[1].failAfter = 0
        let range = try #require(ByteRange(start: 1_000, count: 250_000))
        #expect(try source.bytes(blob, range) == Array(bytes[1_000..<251_000]))
        #expect(asked == [1, 1, 1])
        #expect(sources[2].requests == [try #require(ByteRange(start: 101_000, count: 150_000))])
    }

    @Test func oneThatLacksIt() throws {
        let other = try MemorySource()
        let source = MirroredSource(source.reference, sources: [other, sources[2]])
        #expect(try source.bytes(blob) == bytes)
        // The reason is that of the artifact's own registry.
        let none = MirroredSource(source.reference, sources: [sources[0], other])
        sources[0].failAfter = 0
        #expect(throws: SourceError.notFound("no \(blob.digest)")) { try none.bytes(blob) }
    }

    @Test func theConsumersErrorEndsIt() throws {
        struct Full: Error {}
        #expect(throws: Full.self) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: Cancellation()) { _ in
                throw Full()
            }
        }
        #expect(asked == [1, 0, 0])
        let cancelled = Cancellation()
        cancelled.cancel()
        #expect(throws: SourceError.cancelled) {
            try source.fetch(blob, range: ByteRange(upTo: blob.size), cancellation: cancelled) { _ in }
        }
        #expect(asked == [2, 0, 0])
    }

    /// Otherwise each request would wait for it.
    @Test func oneThatCannotBeReachedIsAskedLastForAWhile() throws {
        sources[0].failAfter = 0
        for _ in 0..<3 { #expect(try source.bytes(blob) == bytes) }
        #expect(asked == [1, 3, 0])
        sources[1].failAfter = 0
        sources[2].failAfter = 0
        #expect(throws: SourceError.unreachable("as it was told to")) { try source.bytes(blob) }
        #expect(asked == [2, 4, 1])
        // When all are resting, their order does not change.
        sources[0].failAfter = nil
        #expect(try source.bytes(blob) == bytes)
        #expect(asked == [3, 4, 1])
    }

    @Test func wrongBytesAreNotAskedForAgain() throws {
        sources[0].replace(blob.digest, bytes.reversed())
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(asked == [1, 1, 0])
        #expect(try source.bytes(blob) == bytes)
        #expect(asked == [1, 2, 0])
        // Wrong bytes of one blob say nothing about others.
        let other = try sources[0].add([1, 2, 3])
        #expect(try source.bytes(other) == [1, 2, 3])
    }

    /// After a mirror gives wrong bytes and then fails, the next source is not blamed for them.
    @Test func whoOnlyWentOnIsNotBlamed() throws {
        let source = MirroredSource(source.reference, sources: [sources[0], sources[2]])
        sources[0].replace(blob.digest, bytes.reversed())
        sources[0].failAfter = 100_000
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(sources[2].requests.count == 2)
    }

    @Test func allAreWrongUntilOneIsMended() throws {
        for place in sources { place.replace(blob.digest, bytes.reversed()) }
        let error = #expect(throws: SourceError.self) { try source.smallBlob(blob, at: "here") }
        guard case .unusable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(asked == [1, 1, 1])
        sources[2].replace(blob.digest, bytes)
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(asked == [2, 2, 2])
    }
}
