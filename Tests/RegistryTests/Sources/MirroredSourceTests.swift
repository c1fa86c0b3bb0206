// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite final class MirroredSourceTests {
    private let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    private let places: [MemorySource]
    private let blob: Descriptor
    private let source: MirroredSource

    init() throws {
        let bytes = bytes
        places = try (0..<3).map { _ in try MemorySource() }
        blob = try places.map { try $0.add(bytes) }[0]
        source = MirroredSource(try Reference(parsing: "oci:/memory"), places: places)
    }

    private var asked: [Int] { places.map(\.requests.count) }

    @Test func theFirstServes() throws {
        #expect(try source.bytes(blob) == bytes)
        #expect(asked == [1, 0, 0])
    }

    @Test func theNextGoesOnAtTheByteReached() throws {
        places[0].failAfter = 110_000
        places[1].failAfter = 0
        let range = try #require(ByteRange(start: 1_000, count: 250_000))
        #expect(try source.bytes(blob, range) == Array(bytes[1_000..<251_000]))
        #expect(asked == [1, 1, 1])
        #expect(places[2].requests == [try #require(ByteRange(start: 101_000, count: 150_000))])
    }

    @Test func oneThatLacksIt() throws {
        let other = try MemorySource()
        let source = MirroredSource(source.reference, places: [other, places[2]])
        #expect(try source.bytes(blob) == bytes)
        // Which of the reasons is told: the artifact's own place's.
        let none = MirroredSource(source.reference, places: [places[0], other])
        places[0].failAfter = 0
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

    /// Or each request would wait for it anew.
    @Test func oneThatCannotBeReachedIsAskedLastForAWhile() throws {
        places[0].failAfter = 0
        for _ in 0..<3 { #expect(try source.bytes(blob) == bytes) }
        #expect(asked == [1, 3, 0])
        places[1].failAfter = 0
        places[2].failAfter = 0
        #expect(throws: SourceError.unreachable("as it was told to")) { try source.bytes(blob) }
        #expect(asked == [2, 4, 1])
        // When all rest, their order is as it was.
        places[0].failAfter = nil
        #expect(try source.bytes(blob) == bytes)
        #expect(asked == [3, 4, 1])
    }

    @Test func wrongBytesAreNotAskedForAgain() throws {
        places[0].replace(blob.digest, bytes.reversed())
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(asked == [1, 1, 0])
        #expect(try source.bytes(blob) == bytes)
        #expect(asked == [1, 2, 0])
        // That it lied about one says nothing of others.
        let other = try places[0].add([1, 2, 3])
        #expect(try source.bytes(other) == [1, 2, 3])
    }

    /// A mirror that gives wrong bytes and then fails must not bring its successor into disrepute.
    @Test func whoOnlyWentOnIsNotBlamed() throws {
        let source = MirroredSource(source.reference, places: [places[0], places[2]])
        places[0].replace(blob.digest, bytes.reversed())
        places[0].failAfter = 100_000
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(places[2].requests.count == 2)
    }

    @Test func allAreWrongUntilOneIsMended() throws {
        for place in places { place.replace(blob.digest, bytes.reversed()) }
        let error = #expect(throws: SourceError.self) { try source.smallBlob(blob, at: "here") }
        guard case .unusable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(asked == [1, 1, 1])
        places[2].replace(blob.digest, bytes)
        #expect(try source.smallBlob(blob, at: "here") == bytes)
        #expect(asked == [2, 2, 2])
    }
}
