// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import OCI

@Suite struct DescriptorTests {
    private static let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    private func decode(_ json: String) throws -> Descriptor {
        try JSONDecoder().decode(Descriptor.self, from: Data(json.utf8))
    }

    private func json(size: String) -> String {
        #"{"mediaType":"a/b","digest":"\#(Self.digest)","size":\#(size)}"#
    }

    @Test func allFields() throws {
        let descriptor = try decode(
            #"{"mediaType":"a/b","digest":"\#(Self.digest)","size":12,"annotations":{"k":"v"},"urls":["x"],"new":{}}"#)
        #expect(descriptor.mediaType.description == "a/b")
        #expect(descriptor.digest.description == Self.digest)
        #expect(descriptor.size == 12)
        #expect(descriptor.annotations == ["k": "v"])
    }

    @Test func withoutAnnotations() throws {
        #expect(try decode(json(size: "0")).annotations.isEmpty)
        let null = #"{"mediaType":"a/b","digest":"\#(Self.digest)","size":0,"annotations":null}"#
        #expect(try decode(null).annotations.isEmpty)
    }

    @Test func theLargestSize() throws {
        #expect(try decode(json(size: "9223372036854775807")).size == 9_223_372_036_854_775_807)
    }

    @Test(arguments: [
        "-1", "-9223372036854775808", "9223372036854775808", "18446744073709551616", "1e300", "1.5", #""12""#, "null",
        "true", "[]", "{}",
    ]) func badSizes(_ size: String) {
        #expect(throws: DecodingError.self) { try decode(json(size: size)) }
    }

    @Test(arguments: [
        #"{"digest":"\#(digest)","size":1}"#, #"{"mediaType":"a/b","size":1}"#,
        #"{"mediaType":"a/b","digest":"\#(digest)"}"#, #"{"mediaType":"ab","digest":"\#(digest)","size":1}"#,
        #"{"mediaType":"a/b","digest":"sha256:12","size":1}"#, "[]", "null",
        #"{"mediaType":"a/b","digest":"\#(digest)","size":1,"annotations":{"k":1}}"#,
    ]) func refused(_ json: String) {
        #expect(throws: DecodingError.self) { try decode(json) }
    }

    @Test func goesThereAndBack() throws {
        let descriptor = Descriptor(
            mediaType: .kitConfig, digest: try #require(Digest(Self.digest)), size: 1 << 40, annotations: ["k": "ü"])
        #expect(try JSONDecoder().decode(Descriptor.self, from: JSONEncoder().encode(descriptor)) == descriptor)
    }
}
