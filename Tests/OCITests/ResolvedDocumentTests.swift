// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import OCI

@Suite struct ResolvedDocumentTests {
    private static let hex = "31076a52ae4874cc31d95102e5b7fb4eee5571f67a105ec8d3c5aebfd46e2a7e"
    private func bytes() throws -> [UInt8] { try readFile(Fixtures.blob("plain-small", Self.hex)) }

    @Test func theDigestIsThatOfTheBytes() throws {
        let found = try ResolvedDocument(bytes: bytes(), expected: nil, at: "here")
        #expect(found.digest.hex == Self.hex)
        #expect(try found.bytes == bytes())
        #expect(ResolvedManifest(found)?.manifest.layers.count == 5)
        let expected = try #require(Digest(algorithm: .sha256, hex: Self.hex))
        #expect(try ResolvedDocument(bytes: bytes(), expected: expected, at: "here").digest == expected)
    }

    @Test func anotherDigestIsRefused() throws {
        var flipped = try bytes()
        flipped[100] ^= 1
        let error = #expect(throws: SourceError.self) {
            try ResolvedDocument(
                bytes: flipped, expected: Digest(algorithm: .sha256, hex: Self.hex), at: "r.io/m:v1")
        }
        // The message has both digests and the place.
        #expect(error?.description.contains(Self.hex) == true)
        #expect(error?.description.contains(Sha256.hex(flipped)) == true)
        #expect(error?.description.hasPrefix("r.io/m:v1: ") == true)
    }

    @Test func sha512IsCheckedToo() throws {
        let digest = try DigestHasher.digest(of: bytes(), .sha512)
        #expect(try ResolvedDocument(bytes: bytes(), expected: digest, at: "here").digest == digest)
    }

    @Test func whatIsNoManifestIsRefused() {
        #expect(throws: SourceError.self) { try ResolvedDocument(bytes: [], expected: nil, at: "here") }
    }
}
