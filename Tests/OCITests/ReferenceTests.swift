// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

/// A digest for references.
private let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

@Suite struct ReferenceTests {
    struct Good: Sendable, CustomTestStringConvertible {
        let text: String
        let host: String?
        let repository: String
        let tag: String?
        var digest: String?
        /// The description, if it differs from the text.
        var printed: String?
        var testDescription: String { text }

        init(
            _ text: String, _ host: String?, _ repository: String, _ tag: String?, digest: String? = nil,
            printed: String? = nil
        ) {
            (self.text, self.host, self.repository) = (text, host, repository)
            (self.tag, self.digest, self.printed) = (tag, digest, printed)
        }
    }

    static let good = [
        Good("ghcr.io/org/model:v1", "ghcr.io", "org/model", "v1"),
        Good("ghcr.io/org/model", "ghcr.io", "org/model", "latest", printed: "ghcr.io/org/model:latest"),
        Good("127.0.0.1:5055/plain-small:v1", "127.0.0.1:5055", "plain-small", "v1"),
        Good("localhost:5000/a/b/c:x", "localhost:5000", "a/b/c", "x"),
        Good("[::1]:5000/m:v1", "[::1]:5000", "m", "v1"),
        Good("[fe80::1]/m:v1", "[fe80::1]", "m", "v1"),
        Good("Reg.Example.COM/m:V1.0_x-y", "Reg.Example.COM", "m", "V1.0_x-y"),
        Good("r.io/m@\(digest)", "r.io", "m", nil, digest: digest),
        Good("r.io/m:v1@\(digest)", "r.io", "m", "v1", digest: digest),
        Good("r.io:443/a_b/c__d/e.f/g---h:_x", "r.io:443", "a_b/c__d/e.f/g---h", "_x"),
        Good("mymodel", nil, "mymodel", "latest", printed: "mymodel:latest"),
        Good("mymodel:v1", nil, "mymodel", "v1"),
        Good("team/everything:latest", nil, "team/everything", "latest"),
        // Without a slash there is no host.
        Good("r.io:v1", nil, "r.io", "v1"),
        // As in kit, only a first part with a dot or a colon is a host.
        Good("localhost/x:v1", nil, "localhost/x", "v1"),
        Good("mymodel@\(digest)", nil, "mymodel", nil, digest: digest),
        Good("r.io/m:" + String(repeating: "t", count: 128), "r.io", "m", String(repeating: "t", count: 128)),
    ]

    @Test(arguments: good) func goodOnes(_ expected: Good) throws {
        let reference = try Reference(parsing: expected.text)
        switch reference.origin {
        case .registry(let host, let repository):
            #expect(host.description == expected.host)
            #expect(repository.description == expected.repository)
        case .localStore(let repository):
            #expect(expected.host == nil)
            #expect(repository.description == expected.repository)
        case .layout:
            Issue.record("taken for a layout")
        }
        #expect(reference.tag?.description == expected.tag)
        #expect(reference.digest?.description == expected.digest)
        #expect(reference.description == expected.printed ?? expected.text)
        #expect(try Reference(parsing: reference.description) == reference)
    }

    static let bad: [String] = [
        "", ":", "/", ":v1", "@\(digest)", "r.io/", "r.io/:v1", "r.io//m", "/r.io/m", "r.io/m/",
        "r.io/Model:v1", "Model:v1", "r.io/mödel", "r.io/m m", "r.io/-m", "r.io/m-", "r.io/a..b", "r.io/a___b",
        "r.io/a.-b", "r.io/_m",
        "r.io/m:", "r.io/m:-x", "r.io/m:.x", "r.io/m:v1:v2", "r.io/m:v+1", "r.io/m:v1/x",
        "r.io/m:v1,v2", "m:v1,v2", "r.io/m,n",
        "r.io/m@", "r.io/m@sha256:ba78", "r.io/m@sha256:\(String(repeating: "G", count: 64))",
        "r.io/m@md5:d41d8cd98f00b204e9800998ecf8427e", "r.io/m@@\(digest)", "r.io/m@\(digest)x",
        "r.io:/m", "r.io:0/m", "r.io:65536/m", "r.io:x/m", "r.io:-1/m", "r.io:+1/m", "r.io:80:80/m", ":5000/m",
        "./m", "../m", ".r.io/m", "-r.io/m", "r_x.io/m", "user@r.io/m", "http://r.io/m",
        "[::1/m", "[::1]x/m", "[::g]:1/m", "[]:5000/m", "[12]:5000/m", "::1/m",
        "r.io/\(String(repeating: "r", count: 256))", "r.io/m:\(String(repeating: "t", count: 129))",
        "r.io/m\u{0}", "r.io/m:v\u{301}1", "\u{301}r.io/m",
    ]

    @Test(arguments: bad) func badOnes(_ text: String) {
        #expect(throws: ReferenceError.self) { try Reference(parsing: text) }
    }

    @Test(arguments: [
        ("r.io/Model:v1", "lower-case"), ("r.io/m:v1,v2", "one tag"), ("r.io/m@sha256:1", "must be a digest"),
        ("r.io:x/m", "“r.io:x” is not a host"), ("r.io/m:-", "a tag has"), ("r.io/", "names no repository"),
        ("oci:", "directory of an OCI image layout"),
    ]) func theReasonIsTold(_ text: String, _ reason: String) {
        let error = #expect(throws: ReferenceError.self) { try Reference(parsing: text) }
        #expect(error?.description.contains(reason) == true)
        #expect(error?.description.contains("“\(text)”") == true)
    }

    @Test func pinningKeepsTheTag() throws {
        let reference = try Reference(parsing: "r.io/m:v1")
        let pinned = reference.pinned(to: try #require(Digest(digest)))
        #expect(pinned.description == "r.io/m:v1@\(digest)")
        #expect(pinned != reference)
    }

    /// Its description, `oci:latest`, would be parsed as a layout. Found by fuzzing.
    @Test func theNameOfLayoutsIsNoRepository() throws {
        #expect(throws: ReferenceError.self) { try Reference(parsing: "oci") }
        let pinned = "oci@sha256:" + String(repeating: "0", count: 64)
        #expect(try Reference(parsing: pinned).description == pinned)
    }
}
