// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import OCI

@Suite struct MediaTypeTests {
    @Test(arguments: [
        ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.manifest.v1+json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/json;charset=utf-8", "application/json"),
        ("a/b ", "a/b"),
    ]) func read(_ text: String, _ expected: String) {
        #expect(MediaType(text)?.description == expected)
    }

    @Test(arguments: [
        "", "/", "a", "a/", "/b", "a/b/c", " a/b", "a\u{0}/b", "a/b\n", "à/b",
        "a/" + String(repeating: "b", count: 254),
    ]) func refused(_ text: String) {
        #expect(MediaType(text) == nil)
    }

    @Test func theLongest() {
        #expect(MediaType("a/" + String(repeating: "b", count: 253)) != nil)
    }

    @Test func parametersDoNotCount() {
        #expect(MediaType("application/vnd.oci.image.manifest.v1+json; x=1") == .imageManifest)
        #expect(MediaType("application/vnd.oci.image.index.v1+json") == .imageIndex)
        #expect(MediaType("application/vnd.kitops.modelkit.config.v1+json") == .kitConfig)
    }

    @Test func coding() throws {
        #expect(try JSONDecoder().decode([MediaType].self, from: Data(#"["a/b"]"#.utf8)).map(\.description) == ["a/b"])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([MediaType].self, from: Data(#"["ab"]"#.utf8)) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        #expect(
            try String(decoding: encoder.encode([MediaType.imageIndex]), as: UTF8.self)
                == #"["application/vnd.oci.image.index.v1+json"]"#)
    }
}
