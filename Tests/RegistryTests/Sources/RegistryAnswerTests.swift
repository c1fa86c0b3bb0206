// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import Registry

/// Unusual and wrong answers, from a server of the tests.
@Suite struct RegistryAnswerTests {
    private static let text = "0123456789"
    private func blob() throws -> Descriptor {
        let digest = try #require(Digest("sha256:" + Sha256.hex(Array(Self.text.utf8))))
        return Descriptor(mediaType: .kitConfig, digest: digest, size: 10)
    }

    private static func answer(_ status: String, _ headers: String = "", _ body: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }

    static let busy = ["503 Service Unavailable", "429 Too Many Requests", "500 X", "502 X", "504 X", "408 X"]

    @Test(arguments: busy) func busyIsAskedAgain(_ status: String) throws {
        let server = try CannedServer([Self.answer(status), Self.answer(status), Self.answer("200 OK", "", Self.text)])
        #expect(try server.source().bytes(blob()) == Array(Self.text.utf8))
        #expect(server.requests.count == 3)
    }

    @Test func retryAfterIsKept() throws {
        let server = try CannedServer([
            Self.answer("429 X", "retry-AFTER:  1\r\n"), Self.answer("200 OK", "", Self.text),
        ])
        let start = monotonicSeconds()
        #expect(try server.source().bytes(blob()) == Array(Self.text.utf8))
        #expect((1...2).contains(monotonicSeconds() - start))
    }

    @Test(arguments: ["inf", "nan", "1e300", "99999999999999", "-1", "x"]) func oddRetryAfter(_ value: String) throws {
        let server = try CannedServer([
            Self.answer("503 X", "Retry-After: \(value)\r\n"), Self.answer("200 OK", "", Self.text),
        ])
        let got = Result { try server.source(timeout: 1).bytes(blob()) }
        switch got {
        case .success(let bytes): #expect(bytes == Array(Self.text.utf8))
        case .failure(let error):
            guard case SourceError.unreachable = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test(arguments: ["400 Bad", "405 X", "410 Gone", "416 X", "204 No Content", "418 X"])
    func otherStatusesAreFinal(_ status: String) throws {
        let server = try CannedServer([Self.answer(status, "", #"{"errors":[{"code":"ODD"}]}"#)])
        let error = #expect(throws: SourceError.self) { try server.source().bytes(blob()) }
        guard case .unusable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("HTTP \(status.prefix(3))"))
        #expect(server.requests.count == 1)
    }

    @Test func aServerThatIgnoresRanges() throws {
        let server = try CannedServer([Self.answer("200 OK", "", Self.text)])
        let range = try #require(ByteRange(start: 3, count: 4))
        #expect(try server.source().bytes(blob(), range) == Array("3456".utf8))
        #expect(server.requests.first?.contains("Range: bytes=3-6\r\n") == true)
    }

    @Test func aBodyThatEndsEarlyIsResumed() throws {
        let broken = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"
        let rest = "HTTP/1.1 206 Partial\r\nCONTENT-range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789"
        let server = try CannedServer([broken, rest])
        #expect(try server.source().bytes(blob()) == Array(Self.text.utf8))
        #expect(server.requests.last?.contains("Range: bytes=4-9\r\n") == true)
    }

    @Test func whatIsNoHTTP() throws {
        for answer in ["", "\0\0\0\0", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 \r\n\r\n"] {
            let server = try CannedServer([answer])
            #expect(throws: SourceError.self, "\(answer)") { try server.source(timeout: 1).resolve() }
        }
    }

    @Test func credentialsDoNotFollowARedirect() throws {
        let directory = try TemporaryDirectory()
        let target = try CannedServer([Self.answer("200 OK", "", Self.text)])
        let server = try CannedServer([
            Self.answer("401 X", "WWW-Authenticate: Basic realm=\"x\"\r\n"),
            Self.answer("307 X", "Location: http://\(target.host)/cdn\r\n"),
        ])
        let config = #"{"auths":{"\#(server.host)":{"username":"kit","password":"s3cret"}}}"#
        try writeFile(directory.path + "/config.json", Array(config.utf8))
        let source = try server.source(environment: ["DOCKER_CONFIG": directory.path])
        #expect(try source.bytes(blob()) == Array(Self.text.utf8))
        // base64(1): kit:s3cret is a2l0OnMzY3JldA==.
        #expect(server.requests.first?.contains("Authorization") == false)
        #expect(server.requests.last?.contains("Authorization: Basic a2l0OnMzY3JldA==") == true)
        #expect(target.requests.count == 1)
        #expect(target.requests.first?.contains("Authorization") == false)
    }

    @Test func aManifestWithoutAnEnd() throws {
        let body = String(repeating: " ", count: (8 << 20) + 1)
        let server = try CannedServer([Self.answer("200 OK", "", body)])
        let error = #expect(throws: SourceError.self) { try server.source().resolve() }
        #expect(error?.description.contains("more than 8 MiB") == true)
    }
}
