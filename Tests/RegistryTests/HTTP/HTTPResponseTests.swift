// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Registry

@Suite struct HTTPResponseTests {
    private func response(_ name: String, _ value: String) -> HTTPResponse {
        var response = HTTPResponse(status: 206)
        response.headers[name] = value
        return response
    }

    /// A server may send lines without end.
    @Test func headersWithoutEnd() {
        var response = HTTPResponse()
        response.take(headerLine: "HTTP/1.1 200 OK\r\n")
        response.take(headerLine: "Content-Length: 5\r\n")
        for number in 0..<100_000 {
            response.take(headerLine: "X-Same: x\r\n")
            response.take(headerLine: "X-\(number): x\r\n")
        }
        #expect(response.contentLength == 5)
        #expect(response.headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } < 100_000)
        // The next response of a chain has a limit of its own.
        response.take(headerLine: "HTTP/1.1 200 OK\r\n")
        response.take(headerLine: "Content-Length: 7\r\n")
        #expect(response.contentLength == 7)
    }

    @Test(
        arguments: [
            ("0", 0), ("12", 12), ("", nil), ("-1", nil), ("+1", nil), ("5, 5", nil), ("18446744073709551616", nil),
            ("x", nil),
        ] as [(String, UInt64?)])
    func contentLength(_ value: String, _ expected: UInt64?) {
        #expect(response("content-length", value).contentLength == expected)
    }

    /// Chunked encoding overrides a length in the header.
    @Test func chunksOverrideALength() {
        var response = response("content-length", "12")
        response.headers["transfer-encoding"] = "chunked"
        #expect(response.contentLength == nil)
    }

    @Test(arguments: ["X-Name:value", "X-Name:  value \r\n", "x-name:\tvalue\t \n"]) func spaceAroundAValue(
        _ line: String
    ) {
        var response = HTTPResponse()
        response.take(headerLine: line)
        #expect(response.headers == ["x-name": "value"])
    }

    /// The result is a number of seconds that can be slept, or nil.
    @Test(
        arguments: [
            ("0", 0), ("7", 7), ("", nil), ("-5", nil), ("1e300", nil), ("inf", nil), ("nan", nil), ("-inf", nil),
            ("0x7f", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil), ("99999999999999999999", nil),
            ("9223372036854775807", 86_400),
        ] as [(String, Double?)]) func retryAfter(_ value: String, _ expected: Double?)
    {
        #expect(response("retry-after", value).retryAfter == expected)
    }

    @Test func success() {
        for (status, expected) in [(200, true), (206, true), (204, false), (301, false), (404, false), (0, false)] {
            #expect(HTTPResponse(status: status).isSuccess == expected)
        }
    }
}
