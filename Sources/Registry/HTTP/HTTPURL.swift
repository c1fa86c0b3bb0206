// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// An absolute URL of http or https without a user in it, taken apart as far as a client has to understand it: whom it
/// leads to, and whether over TLS.
///
/// Spec: RFC 9110, sections 4.2.1 and 4.2.2; RFC 3986, section 3. What follows the authority goes to the server as it is.
struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    enum Scheme: String, Sendable { case http, https }

    let scheme: Scheme
    /// Host and port as they are written: `HOST` or `HOST:PORT`.
    let authority: String
    /// Without port, in lower case; an IPv6 address in brackets. Never empty.
    let host: String
    /// nil for the scheme's own.
    let port: UInt16?
    /// From the path on: empty, or it starts with `/`, `?` or `#`.
    private let rest: String

    var description: String { "\(scheme.rawValue)://\(authority)\(rest)" }

    /// nil for a relative URL, one of another scheme or with a user in it, and for a host or port that cannot be one.
    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let scheme = Scheme(rawValue: text[..<colon].lowercased()),
            text[colon...].hasPrefix("://")
        else { return nil }
        let hierarchy = text[colon...].dropFirst(3)
        let authority = hierarchy.prefix { !"/?#".contains($0) }
        // A backslash would end the host for some clients and not for others.
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

    /// Where a registry's protocol is spoken. `path` starts with `/` and has in it what a URL can have.
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

    /// With more fields in its query, before a fragment, which is not sent and is left out.
    func appending(query fields: [(String, String)]) -> HTTPURL {
        let sent = rest.prefix { $0 != "#" }
        return HTTPURL(self, rest: sent + (sent.contains("?") ? "&" : "?") + FormEncoding.encode(fields))
    }

    /// The host without its port, and the port; nil for what can be neither.
    private static func split(_ authority: Substring) -> (name: Substring, port: UInt16?)? {
        let isBracketed = authority.first == "["
        let end =
            isBracketed ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        if isBracketed, end == nil { return nil }
        let name = authority[..<(end ?? authority.endIndex)]
        guard !name.isEmpty, name != "[]" else { return nil }
        let rest = authority[name.endIndex...]
        // RFC 3986, section 3.2.3: a port of no digits is the scheme's own.
        if rest.isEmpty || rest == ":" { return (name, nil) }
        guard rest.first == ":", let number = UInt64(decimal: rest.utf8.dropFirst()), let port = UInt16(exactly: number)
        else { return nil }
        return (name, port)
    }
}
