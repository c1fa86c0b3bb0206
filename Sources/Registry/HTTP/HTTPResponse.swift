// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Status and header of an answer.
struct HTTPResponse {
    var status = 0
    /// Names in lower case; the values of a repeated header joined by commas.
    var headers: [String: String] = [:]
    /// The most bytes of header lines that are kept, so that an endless header does not fill the memory. Servers accept
    /// no more themselves, and only newer versions of libcurl have a limit.
    private static let headerLimit = 64 << 10
    private var headerBytes = 0

    /// The URL that redirects led to; nil if there were none, or it cannot be requested again.
    var redirectedTo: HTTPURL?

    init(status: Int = 0, headers: [String: String] = [:]) {
        self.status = status
        self.headers = headers
    }

    /// The status line of each response in a chain of redirects discards the response before.
    mutating func take(headerLine line: String) {
        if line.hasPrefix("HTTP/") {
            let status = line.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0.prefix(3)) }
            self = HTTPResponse(status: status ?? 0)
            return
        }
        headerBytes += line.utf8.count
        guard headerBytes <= Self.headerLimit else { return }
        if let colon = line.firstIndex(of: ":") {
            let name = line[..<colon].lowercased()
            let text = Self.trimmed(line[line.index(after: colon)...].prefix { !$0.isNewline })
            headers[name] = headers[name].map { $0 + ", " + text } ?? text
        }
    }

    /// Without the spaces and tabs around it. Spec: RFC 9110, section 5.5.
    private static func trimmed(_ value: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        return String(value.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }

    /// Whether the body is the requested content, not an error message.
    var isSuccess: Bool { status == 200 || status == 206 }

    /// Whether other credentials may be accepted.
    var mayBeRefusal: Bool { status == 400 || status == 401 || status == 403 }

    /// Whether the body is several ranges, each with a header of its own. Spec: RFC 9110, section 14.6.
    var isMultipart: Bool { headers["content-type"]?.lowercased().hasPrefix("multipart/byteranges") ?? false }

    /// The boundary between the parts of a `multipart/byteranges` body; nil for any other. Spec: RFC 2046, section
    /// 5.1.1.
    var multipartBoundary: String? {
        guard isMultipart else { return nil }
        let fields = (headers["content-type"] ?? "").split(separator: ";").map { $0.drop { $0 == " " } }
        let parameter = fields.first { $0.lowercased().hasPrefix("boundary=") }
        return parameter?.dropFirst(9).split(separator: "\"").first.map(String.init)
    }

    /// Length of the body in bytes; nil where the header has none, or `Transfer-Encoding` overrides it. Spec: RFC 9112,
    /// section 6.3.
    var contentLength: UInt64? {
        headers["transfer-encoding"] == nil ? headers["content-length"].flatMap { UInt64(decimal: $0.utf8) } : nil
    }

    /// `Retry-After` in seconds, a day at most; nil for a date, the header's other form.
    var retryAfter: Double? {
        headers["retry-after"].flatMap { UInt64(decimal: $0.utf8) }.map { Double(min($0, 86_400)) }
    }
}
