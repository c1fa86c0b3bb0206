// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// A GET, which is all that reading from a registry needs; a POST of a form, which tokens may.
struct HTTPRequest {
    let url: HTTPURL
    var accept: [MediaType] = []
    /// Offsets in the resource; none asks for all of it.
    var ranges: [ByteRange] = []
    var authorization: Authorization?
    /// Fields of a form to POST.
    var form: [(String, String)]?
    /// Seconds without a byte after which to give up, where the client's own limits are longer.
    var patience: Int?
}

/// What came before the body.
struct HTTPResponse {
    var status = 0
    /// Names in lower case; the values of a repeated header joined by commas.
    var headers: [String: String] = [:]
    /// Lines without end would fill the memory: of so many bytes, the rest is passed over. Servers take no more
    /// themselves, and libcurl has a limit in newer versions only.
    private static let headerLimit = 64 << 10
    private var headerBytes = 0

    /// Where redirects led in the end; nil if there were none, or none that can be asked again.
    var redirectedTo: HTTPURL?

    init(status: Int = 0, headers: [String: String] = [:]) {
        self.status = status
        self.headers = headers
    }

    /// Each response of a chain of redirects starts with its status line, and forgets the one before.
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

    /// Whether the body is what was asked for, and not a message.
    var isSuccess: Bool { status == 200 || status == 206 }

    /// Whether other credentials may help.
    var mayBeRefusal: Bool { status == 400 || status == 401 || status == 403 }

    /// Whether the body is several ranges, each with a header of its own. Spec: RFC 9110, section 14.6.
    var isMultipart: Bool { headers["content-type"]?.lowercased().hasPrefix("multipart/byteranges") ?? false }

    /// What stands between the parts of a `multipart/byteranges` body; nil for any other. Spec: RFC 2046, section 5.1.1.
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

    /// `Retry-After` in seconds, a day at most; a date, the header's other form, is not looked at.
    var retryAfter: Double? {
        headers["retry-after"].flatMap { UInt64(decimal: $0.utf8) }.map { Double(min($0, 86_400)) }
    }
}

/// Why a request did not come to its end.
enum HTTPFailure: Error {
    /// The connection could not be made, broke, or stood still: worth another try.
    case transport(String)
    /// The server asks to come again later, after so many seconds.
    case busy(String, retryAfter: Double?)
    /// Nobody listens there.
    case refused(String)
    /// TLS could not be agreed on: this may be a registry that speaks plain HTTP.
    case handshake(String)
    /// The server's certificate is of no authority that is trusted.
    case untrusted(String)
    /// A setting or the URL is wrong: another try ends in the same way.
    case settings(String)
    case cancelled
}
