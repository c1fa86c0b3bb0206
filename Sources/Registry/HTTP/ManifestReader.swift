// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Reads a manifest. It is small: after a broken answer it is requested again from its start.
struct ManifestReader: ResponseReader {
    let artifact: String
    private(set) var bytes: [UInt8] = []
    var reached: UInt64 { 0 }
    var isComplete: Bool { true }
    var hasAll: Bool { false }

    init(artifact: String) { self.artifact = artifact }

    mutating func request(_ url: HTTPURL) -> HTTPRequest {
        bytes = []
        return HTTPRequest(url: url, accept: [.imageManifest, .imageIndex, .dockerManifest, .dockerManifestList])
    }

    mutating func receive(_ response: HTTPResponse, _ piece: RawSpan, into consume: (RawSpan) throws -> Void) throws {
        guard bytes.count + piece.byteCount <= Manifest.sizeLimit else {
            throw SourceError.unusable("\(artifact): the manifest has more than 8 MiB")
        }
        guard Self.isWhole(response) else {
            throw SourceError.unusable("\(artifact): the answer to a request for the manifest is a part of it")
        }
        piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    private static func isWhole(_ response: HTTPResponse) -> Bool {
        guard let text = response.headers["content-range"] else { return response.status == 200 }
        return ContentRange(text)?.isWhole ?? false
    }
}
