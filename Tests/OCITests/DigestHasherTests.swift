// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import OCI

@Suite struct DigestHasherTests {
    /// Expected values are from sha256sum and sha512sum.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ]) func sha256(_ text: String, _ hex: String) {
        #expect(DigestHasher.digest(of: Array(text.utf8)).description == "sha256:" + hex)
    }

    @Test func sha512() {
        #expect(
            DigestHasher.digest(of: Array("abc".utf8), .sha512).description
                == "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
    }

    @Test(arguments: [1, 7, 63, 64, 65, 4096, 999_999, 1_000_000]) func piecesMakeNoDifference(_ size: Int) {
        let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        let short = DigestHasher(.sha256)
        let long = DigestHasher(.sha512)
        var done = 0
        while done < bytes.count {
            let piece = bytes.span.bytes.extracting(done..<min(done + size, bytes.count))
            short.update(piece)
            long.update(piece)
            done += piece.byteCount
        }
        #expect(short.finalize().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        #expect(
            long.finalize().hex == "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                + "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b")
    }

    @Test func emptyPiecesMakeNoDifference() {
        let hasher = DigestHasher()
        for text in ["", "a", "", "", "bc", ""] { hasher.update(Array(text.utf8).span.bytes) }
        #expect(hasher.finalize().hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func agreesWithAnotherImplementation() {
        for count in [55, 56, 57, 119, 120, 1000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            #expect(DigestHasher.digest(of: bytes).hex == Sha256.hex(bytes), "\(count) bytes")
        }
    }
}
