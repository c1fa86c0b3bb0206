// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct LayoutReferenceTests {
    private static let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    static let good: [(text: String, directory: String, tag: String?, digest: String?)] = [
        ("oci:/srv/kit", "/srv/kit", "latest", nil),
        ("oci:/srv/kit:v1", "/srv/kit", "v1", nil),
        ("oci:kit", "kit", "latest", nil),
        ("oci:../kit:v1", "../kit", "v1", nil),
        ("oci:/srv/kit@\(digest)", "/srv/kit", nil, digest),
        ("oci:/srv/kit:v1@\(digest)", "/srv/kit", "v1", digest),
        // Only a valid tag is taken for one.
        ("oci:/srv/a:b/kit", "/srv/a:b/kit", "latest", nil),
        ("oci:/srv/a:b/kit:v1", "/srv/a:b/kit", "v1", nil),
        ("oci:/srv/a b:ä", "/srv/a b:ä", "latest", nil),
        ("oci:/srv/2024-01-01T10:00:", "/srv/2024-01-01T10:00:", "latest", nil),
        ("oci:/srv/UPPER", "/srv/UPPER", "latest", nil),
        ("oci:/srv/a,b", "/srv/a,b", "latest", nil),
        ("oci:/srv/a@b/kit", "/srv/a@b/kit", "latest", nil),
    ]

    @Test(arguments: good) func layouts(_ text: String, _ directory: String, _ tag: String?, _ digest: String?) throws {
        let reference = try Reference(parsing: text)
        #expect(reference.origin == .layout(directory: directory))
        #expect(reference.tag?.description == tag)
        #expect(reference.digest?.description == digest)
    }

    @Test(arguments: ["oci:", "oci::v1", "oci:@\(digest)", "oci:/srv/kit@sha256:12", "oci:/srv/\u{0}"])
    func refused(_ text: String) {
        #expect(throws: ReferenceError.self) { try Reference(parsing: text) }
    }

    @Test func printedAsWritten() throws {
        let text = "oci:/srv/a:b/kit:v1@\(Self.digest)"
        #expect(try Reference(parsing: text).description == text)
    }
}
