// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import OCI

@Suite struct DigestTests {
    private static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    @Test func parts() throws {
        let digest = try #require(Digest("sha256:" + Self.abc))
        #expect(digest.algorithm == .sha256)
        #expect(digest.hex == Self.abc)
        #expect(digest.short == "ba7816bf8f01")
        #expect(digest.leadingBits == 0xba78_16bf_8f01_cfea)
        #expect(digest.description == "sha256:" + Self.abc)
        let long = try #require(Digest("sha512:" + Self.abc + Self.abc))
        #expect(long.algorithm == .sha512)
        #expect(long.hex.utf8.count == 128)
        #expect(long.leadingBits == digest.leadingBits)
    }

    static let bad: [String] = [
        "", ":", "sha256", "sha256:", abc, ":\(abc)", "sha256:\(abc.dropLast())", "sha256:\(abc)0",
        "sha256:\(abc.uppercased())", "SHA256:\(abc)", "sha256:\(abc.dropLast())g", "sha512:\(abc)",
        "sha384:\(abc)", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256: \(abc.dropLast())", " sha256:\(abc)",
        "sha256:\(abc.dropLast(2))é", "sha256::\(abc.dropLast())", "sha256:../\(abc.dropLast(3))",
    ]

    @Test(arguments: bad) func refused(_ text: String) {
        #expect(Digest(text) == nil)
    }

    @Test func codingIsByText() throws {
        let digest = try #require(Digest("sha256:" + Self.abc))
        let json = try JSONEncoder().encode([digest])
        #expect(String(decoding: json, as: UTF8.self) == "[\"sha256:\(Self.abc)\"]")
        #expect(try JSONDecoder().decode([Digest].self, from: json) == [digest])
        for bad in [#"["sha256:1"]"#, "[12]", "[null]"] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([Digest].self, from: Data(bad.utf8)) }
        }
    }
}
