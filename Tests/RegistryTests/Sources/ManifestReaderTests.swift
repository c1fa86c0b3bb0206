// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Registry

@Suite struct ManifestReaderTests {
    @Test func piecesAreJoinedAndABrokenAnswerForgotten() throws {
        var reader = ManifestReader(artifact: "here")
        #expect(
            try reader.request(.example()).accept == [
                .imageManifest, .imageIndex, .dockerManifest, .dockerManifestList,
            ])
        try reader.receive(HTTPResponse(status: 200), [1, 2 as UInt8].span.bytes) { _ in }
        _ = try reader.request(.example())
        try reader.receive(HTTPResponse(status: 200), [3 as UInt8].span.bytes) { _ in }
        try reader.receive(HTTPResponse(status: 200), [4 as UInt8].span.bytes) { _ in }
        #expect(reader.bytes == [3, 4])
    }

    @Test func atEightMiBItEnds() throws {
        var reader = ManifestReader(artifact: "here")
        _ = try reader.request(.example())
        let half = [UInt8](repeating: 32, count: 4 << 20)
        try reader.receive(HTTPResponse(status: 200), half.span.bytes) { _ in }
        try reader.receive(HTTPResponse(status: 200), half.span.bytes) { _ in }
        #expect(throws: SourceError.unusable("here: the manifest has more than 8 MiB")) {
            try reader.receive(HTTPResponse(status: 200), [32 as UInt8].span.bytes) { _ in }
        }
    }

    /// A part of a manifest is never requested.
    @Test(
        arguments: [
            (200, "bytes 0-0/1", true), (206, "bytes 0-0/1", true), (206, nil, false), (200, "bytes 0-0/2", false),
            (206, "bytes 1-1/2", false), (200, "bytes 0-0/*", false), (200, "", false), (206, "x", false),
        ] as [(Int, String?, Bool)])
    func aPartOfAManifest(_ status: Int, _ range: String?, _ isTaken: Bool) throws {
        var reader = ManifestReader(artifact: "here")
        _ = try reader.request(.example())
        var response = HTTPResponse(status: status)
        response.headers["content-range"] = range
        let refusal = "here: the answer to a request for the manifest is a part of it"
        do {
            try reader.receive(response, [32 as UInt8].span.bytes) { _ in }
            #expect(isTaken)
        } catch {
            #expect(!isTaken && error as? SourceError == .unusable(refusal))
        }
        #expect(reader.bytes == (isTaken ? [32] : []))
    }
}
