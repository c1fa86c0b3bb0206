// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import OCI

/// Gives the same bytes for every request, two at a time.
private struct FixedSource: OriginSource {
    let bytes: [UInt8]
    var failure: (any Error)?

    func fetch(
        _ blob: Descriptor, range: ByteRange, cancellation: Cancellation, receive: (RawSpan) throws -> Void
    ) throws {
        if let failure { throw failure }
        for start in stride(from: 0, to: bytes.count, by: 2) {
            try receive(bytes.span.bytes.extracting(start..<min(start + 2, bytes.count)))
        }
    }
}

@Suite struct SmallBlobTests {
    private func descriptor(of bytes: [UInt8], size: UInt64? = nil) throws -> Descriptor {
        let digest = try #require(Digest("sha256:" + Sha256.hex(bytes)))
        return Descriptor(mediaType: .kitConfig, digest: digest, size: size ?? UInt64(bytes.count))
    }

    @Test func rightBytes() throws {
        let bytes = Array("{\"a\":1}".utf8)
        #expect(try FixedSource(bytes: bytes).smallBlob(descriptor(of: bytes), at: "here") == bytes)
        #expect(try FixedSource(bytes: []).smallBlob(descriptor(of: []), at: "here") == [])
    }

    @Test func wrongBytes() throws {
        let wanted = try descriptor(of: Array("right".utf8))
        let error = #expect(throws: SourceError.self) {
            try FixedSource(bytes: Array("wrong".utf8)).smallBlob(wanted, at: "here")
        }
        #expect(
            error?.description == "here: blob should be \(wanted.digest) but its bytes are sha256:"
                + Sha256.hex(Array("wrong".utf8)))
    }

    @Test func tooLargeIsNotEvenFetched() throws {
        let source = FixedSource(bytes: [], failure: SourceError.cancelled)
        let error = #expect(throws: SourceError.self) {
            try source.smallBlob(descriptor(of: [], size: (8 << 20) + 1), at: "here")
        }
        guard case .unusable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("8388609 bytes"))
        // The limit itself is allowed.
        #expect(throws: SourceError.cancelled) { try source.smallBlob(descriptor(of: [], size: 8 << 20), at: "here") }
    }

    @Test func theSourcesErrorComesThrough() throws {
        let wanted = try descriptor(of: [1])
        let source = FixedSource(bytes: [], failure: SourceError.unauthorized("no"))
        #expect(throws: SourceError.unauthorized("no")) { try source.smallBlob(wanted, at: "here") }
    }
}
