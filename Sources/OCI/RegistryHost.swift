// SPDX-License-Identifier: Apache-2.0

/// The host name or address of a registry, with its port unless it is the scheme's own.
public struct RegistryHost: Hashable, Sendable, CustomStringConvertible {
    /// `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`.
    public let description: String
    /// Without the port; an IPv6 address in brackets.
    public let name: String
    /// nil for the scheme's own.
    public let port: UInt16?

    public init?(_ text: some StringProtocol) {
        var rest = Substring(text)
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]"), case let address = rest[..<close].utf8.dropFirst(),
                address.contains(UInt8(ascii: ":")),
                address.allSatisfy({ $0 == UInt8(ascii: ":") || $0.hexDigitValue != nil })
            else { return nil }
            rest = rest[rest.index(after: close)...]
        } else {
            let name = rest.prefix { $0 != ":" }
            guard !name.isEmpty, name.utf8.count <= 253, name.first != "-", name.first != ".",
                name.utf8.allSatisfy({ $0.isAlphanumeric || ".-".utf8.contains($0) })
            else { return nil }
            rest = rest[name.endIndex...]
        }
        var port: UInt16?
        if !rest.isEmpty {
            guard rest.first == ":", let number = UInt64(decimal: rest.utf8.dropFirst()), number > 0 else { return nil }
            port = UInt16(exactly: number)
            guard port != nil else { return nil }
        }
        name = String(text.prefix(text.count - rest.count))
        self.port = port
        description = String(text)
    }
}
