// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry

extension HTTPURL {
    /// For requests that are not sent.
    static func example() throws -> HTTPURL { try #require(HTTPURL("http://r.io/")) }
}

@Suite struct HTTPURLTests {
    @Test(
        arguments: [
            ("http://a", .http, "a", "a", nil), ("https://a.com/x?y#z", .https, "a.com", "a.com", nil),
            ("HTTPS://Auth.Example.com:8443/T?x=1", .https, "Auth.Example.com:8443", "auth.example.com", 8443),
            ("http://[::1]:80", .http, "[::1]:80", "[::1]", 80),
            ("http://[FE80::1]/", .http, "[FE80::1]", "[fe80::1]", nil),
            ("http://a?x", .http, "a", "a", nil), ("http://a#x", .http, "a", "a", nil),
            ("http://a:", .http, "a:", "a", nil),
            ("http://my_registry:5000/é", .http, "my_registry:5000", "my_registry", 5000),
            ("https://a/http://b:c@d/", .https, "a", "a", nil), ("http://a:0/", .http, "a:0", "a", 0),
        ] as [(String, HTTPURL.Scheme, String, String, UInt16?)])
    func parts(_ text: String, _ scheme: HTTPURL.Scheme, _ authority: String, _ host: String, _ port: UInt16?) throws {
        let url = try #require(HTTPURL(text))
        #expect(url.scheme == scheme && url.authority == authority && url.host == host && url.port == port)
        #expect(url.description.dropFirst(scheme.rawValue.count) == text.dropFirst(scheme.rawValue.count))
        #expect(HTTPURL(url.description) == url)
    }

    @Test(arguments: [
        "", ":", "http", "http:", "http:/a", "http:a", "//a", "/a", "a.com/x", "ftp://a", "httpx://a", " http://a",
        "http://",
        "http:///x", "http://?x", "http://:80", "http://[]", "http://[]:80", "http://[::1", "http://[::1]x",
        "http://a:b",
        "http://a:+1", "http://a:65536", "http://a:1:2", "http://u@a", "http://u:p@a", "http://a\\@b", "http://a\\b",
        "http://a b/", "http://a/b c", "http://a/\n", "http://a/\u{7F}", "http://é/", "http://a\0",
        "http://a:99999999999999999999",
    ]) func isNone(_ text: String) { #expect(HTTPURL(text) == nil) }

    @Test(
        arguments: [
            ("http://a", "http://a?k=v%26"), ("http://a/t", "http://a/t?k=v%26"),
            ("http://a/t?x=1", "http://a/t?x=1&k=v%26"),
            ("http://a/t#f", "http://a/t?k=v%26"), ("http://a/t#f?g", "http://a/t?k=v%26"),
        ])
    func withAQuery(_ text: String, _ expected: String) throws {
        #expect(try #require(HTTPURL(text)).appending(query: [("k", "v&")]).description == expected)
    }

    @Test func ofARegistry() throws {
        let url = HTTPURL(.http, try #require(RegistryHost("[::1]:5000")), path: "/v2/")
        #expect(url == HTTPURL("http://[::1]:5000/v2/"))
        #expect(HTTPURL(.https, try #require(RegistryHost("R.io")), path: "/v2/x").description == "https://R.io/v2/x")
    }
}
