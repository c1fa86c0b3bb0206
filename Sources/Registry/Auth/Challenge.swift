// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// A challenge of a registry, from its `WWW-Authenticate` headers.
///
/// Spec: RFC 9110, section 11.6.1; for Bearer
/// <https://distribution.github.io/distribution/spec/auth/token/#how-to-authenticate>.
enum Challenge: Equatable, Sendable {
    case basic
    case bearer(Bearer)

    struct Bearer: Hashable, Sendable {
        let realm: String
        let service: String?
        let scope: String?
        /// `insufficient_scope`, `invalid_token` …
        let error: String?
    }

    /// All challenges of a header, or of several joined by commas. The list ends at the first malformed one.
    static func parse(_ header: String) -> [Challenge] {
        var scanner = HeaderScanner(header)
        var challenges: [Challenge] = []
        while let scheme = scanner.scheme() {
            let parameters = scanner.parameters()
            switch scheme.lowercased() {
            case "basic": challenges.append(.basic)
            case "bearer":
                guard let realm = parameters["realm"] else { continue }
                challenges.append(
                    .bearer(
                        Bearer(
                            realm: realm, service: parameters["service"], scope: parameters["scope"],
                            error: parameters["error"])))
            default: continue
            }
        }
        return challenges
    }
}

/// Scans `SCHEME name=value, name="quoted value", SCHEME …`.
private struct HeaderScanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    private mutating func skipSpace(andCommas: Bool = false) {
        rest = rest.drop { $0 == 32 || $0 == 9 || (andCommas && $0 == 44) }
    }

    private mutating func token() -> String? {
        let token = rest.prefix(while: Self.isTokenByte)
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        return String(decoding: token, as: UTF8.self)
    }

    mutating func scheme() -> String? {
        skipSpace(andCommas: true)
        return token()
    }

    /// Skips what a scheme may have instead of parameters, as in `Negotiate YII=`: base64 up to a comma or the end.
    private mutating func skipToken68() {
        var after = rest.drop { Self.isTokenByte($0) || $0 == 47 }.drop { $0 == 61 }
        guard after.startIndex > rest.startIndex else { return }
        after = after.drop { $0 == 32 || $0 == 9 }
        if after.isEmpty || after.first == 44 { rest = after }
    }

    /// Stops before the next scheme: a token without `=` after it.
    mutating func parameters() -> [String: String] {
        var found: [String: String] = [:]
        skipSpace()
        skipToken68()
        while true {
            skipSpace(andCommas: true)
            let before = rest
            guard let name = token() else { return found }
            skipSpace()
            guard rest.first == 61 else {
                rest = before
                return found
            }
            rest = rest.dropFirst()
            skipSpace()
            guard let value = rest.first == 34 ? quoted() : token() else { return found }
            found[name.lowercased()] = value
        }
    }

    private mutating func quoted() -> String? {
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == 34 { return String(decoding: value, as: UTF8.self) }
            if byte == 92, let escaped = rest.popFirst() { value.append(escaped) } else { value.append(byte) }
        }
        return nil
    }
}
