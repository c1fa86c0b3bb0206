// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// An absolute http or https URL without user information. Scheme and authority are parsed; the rest is sent as it is.
///
/// Spec: RFC 9110, sections 4.2.1 and 4.2.2; RFC 3986, section 3.
struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    enum Scheme: String, Sendable { case http, https }

    let scheme: Scheme
    /// Host and port as written: `HOST` or `HOST:PORT`.
    let authority: String
    /// Without port, in lower case; an IPv6 address in brackets. Never empty.
    let host: String
    /// nil for the scheme's own.
    let port: UInt16?
    /// The URL from its path on: empty, or with `/`, `?` or `#` first.
    private let rest: String

    var description: String { "\(scheme.rawValue)://\(authority)\(rest)" }

    /// nil for a relative URL, another scheme, user information, and an invalid host or port.
    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let scheme = Scheme(rawValue: text[..<colon].lowercased()),
            text[colon...].hasPrefix("://")
        else { return nil }
        let hierarchy = text[colon...].dropFirst(3)
        let authority = hierarchy.prefix { !"/?#".contains($0) }
        // A backslash ends the host for some clients and not for others.
        guard authority.utf8.allSatisfy({ $0.isVisible && $0 != UInt8(ascii: "@") && $0 != UInt8(ascii: "\\") }),
            let (name, port) = Self.split(authority)
        else { return nil }
        let rest = hierarchy[authority.endIndex...]
        guard rest.utf8.allSatisfy({ $0.isVisible || $0 > 127 }) else { return nil }
        self.scheme = scheme
        self.authority = String(authority)
        host = name.lowercased()
        self.port = port
        self.rest = String(rest)
    }

    /// A URL of a registry. `path` starts with `/` and is escaped.
    init(_ scheme: Scheme, _ registry: RegistryHost, path: String) {
        self.scheme = scheme
        authority = registry.description
        host = registry.name.lowercased()
        port = registry.port
        rest = path
    }

    private init(_ url: HTTPURL, rest: String) {
        scheme = url.scheme
        authority = url.authority
        host = url.host
        port = url.port
        self.rest = rest
    }

    /// The URL with further fields in its query, and without its fragment, which is never sent.
    func appending(query fields: [(String, String)]) -> HTTPURL {
        let sent = rest.prefix { $0 != "#" }
        return HTTPURL(self, rest: sent + (sent.contains("?") ? "&" : "?") + FormEncoding.encode(fields))
    }

    /// Splits an authority into host and port; nil if it is invalid.
    private static func split(_ authority: Substring) -> (name: Substring, port: UInt16?)? {
        let isBracketed = authority.first == "["
        let end =
            isBracketed ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        if isBracketed, end == nil { return nil }
        let name = authority[..<(end ?? authority.endIndex)]
        guard !name.isEmpty, name != "[]" else { return nil }
        let rest = authority[name.endIndex...]
        // RFC 3986, section 3.2.3: an empty port is the scheme's own.
        if rest.isEmpty || rest == ":" { return (name, nil) }
        guard rest.first == ":", let number = UInt64(decimal: rest.utf8.dropFirst()), let port = UInt16(exactly: number)
        else { return nil }
        return (name, port)
    }
}
