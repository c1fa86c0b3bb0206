// SPDX-License-Identifier: Apache-2.0
import OCI

@testable import Registry

extension FuzzTarget {
    /// A registry's response. The input is the sizes of the blob and the range, header lines, an empty line, and the
    /// body.
    static let http = FuzzTarget(name: "http", seeds: { HTTPReadings.seeds }) { bytes in
        var input = FuzzInput(bytes)
        let size = UInt64(input.number(UInt32.self))
        let start = UInt64(input.number(UInt32.self)) % (size + 1)
        let count = UInt64(input.number(UInt32.self)) % (size - start + 1)
        var response = HTTPResponse()
        var rest = input.rest
        while let end = rest.firstIndex(of: 10) {
            let line = rest[...end]
            rest = rest[(end + 1)...]
            if line.count <= 2 { break }
            response.take(headerLine: String(decoding: line, as: UTF8.self))
        }
        HTTPReadings.checkHeaders(response, body: Array(rest))
        if response.isSuccess, let range = ByteRange(start: start, count: count) {
            HTTPReadings.checkRange(response, range, of: size, body: Array(rest))
            HTTPReadings.checkParts(response, [range, ByteRange(upTo: start)], of: size, body: Array(rest))
        }
    }
}

enum HTTPReadings {
    static func checkHeaders(_ response: HTTPResponse, body: [UInt8]) {
        if let range = response.headers["content-range"].flatMap({ ContentRange($0) }) {
            require(!range.range.isEmpty && range.range.end <= range.total ?? .max, "\(range)")
        }
        _ = response.contentLength
        if let seconds = response.retryAfter { require((0...86_400).contains(seconds), "\(seconds)") }
        if let summary = RegistryErrors.summary(of: body) {
            require(summary.count <= 200, "a long summary")
            require(!summary.utf8.contains { $0 < 32 }, "a summary of several lines")
        }
        let host = RegistryHost("registry.example.co.uk")
        for case .bearer(let bearer) in Challenge.parse(response.headers["www-authenticate"] ?? "") {
            guard let realm = Realm(bearer.realm), let host else { continue }
            require(!realm.host.isEmpty, "a realm without a host: \(bearer.realm)")
            if realm.belongs(to: host) { require(realm.host.hasSuffix("example.co.uk"), "\(realm.host)") }
            let form = FormEncoding.encode([("service", bearer.service ?? ""), ("scope", bearer.scope ?? "")])
            require(form.utf8.allSatisfy { (33...126).contains($0) }, "\(form)")
        }
    }

    /// No more than the range is passed on, and nothing outside it.
    static func checkRange(_ response: HTTPResponse, _ range: ByteRange, of size: UInt64, body: [UInt8]) {
        let type = MediaType.imageManifest
        let blob = Descriptor(mediaType: type, digest: DigestHasher.digest(of: []), size: size)
        guard let url = HTTPURL("http://x/") else { fatalError("it is a URL") }
        var reader = RangeReader(blob: blob, range: range, artifact: "here")
        var taken: UInt64 = 0
        do {
            for _ in 0..<2 {
                _ = reader.request(url)
                try Pieces.push(body) { piece in
                    try reader.receive(response, piece) { taken += UInt64($0.byteCount) }
                }
            }
        } catch { require(error is SourceError || error is ResponseComplete || error is RangesIgnored, "\(error)") }
        require(taken <= range.count && reader.reached == range.start + taken, "\(taken) bytes of \(range)")
        require(reader.isComplete == (taken == range.count), "\(taken) bytes of \(range)")
    }

    /// Each range is passed on whole, or not at all.
    static func checkParts(_ response: HTTPResponse, _ ranges: [ByteRange], of size: UInt64, body: [UInt8]) {
        let blob = Descriptor(mediaType: .imageManifest, digest: DigestHasher.digest(of: []), size: size)
        var reader = MultipartReader(blob: blob, ranges: ranges)
        do {
            try Pieces.push(body) { try reader.receive(response, $0) { _ in } }
            reader.finish(response)
        } catch { require(error is MultipartReader.Refused, "\(error)") }
        for (range, part) in zip(ranges, reader.parts) {
            require(part.map { UInt64($0.count) == range.count } ?? true, "\(part?.count ?? 0) bytes of \(range)")
        }
    }

    static var seeds: [[UInt8]] {
        let answers = [
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/20\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/2 200\r\ncontent-length: 20\r\n\r\n01234567890123456789",
            "HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\n\r\n{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"wait\"}]}",
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate YII=, Basic realm=\"x\"\r\nWWW-Authenticate: "
                + "Bearer realm=\"https://auth.example.co.uk:443/t?a\",service=\"s\\\"q\",scope=\"repository:a/b:pull\"\r\n\r\n",
            "HTTP/1.1 206 Parts\r\nContent-Type: multipart/byteranges; boundary=X\r\n\r\n--X\r\n"
                + "Content-Range: bytes 5-9/20\r\n\r\nhello\r\n--X\r\nContent-Range: bytes 0-4/20\r\n\r\nworld\r\n--X--",
            "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ]
        let prefix = [UInt32(20), 5, 5].flatMap { FuzzInput.bytes(of: $0) }
        return answers.map { prefix + Array($0.utf8) }
    }
}
