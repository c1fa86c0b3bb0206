// SPDX-License-Identifier: Apache-2.0

/// Names an artifact by its origin and its tag or digest.
///
/// Kit's own rules: `HOST[:PORT]/REPO[:TAG][@DIGEST]`. A first part without a dot or a colon is not a host, and the
/// artifact is in kit's local store. `oci:DIR[:TAG][@DIGEST]` is an OCI image layout. No tag means `latest`.
/// Spec of names and tags: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>.
public struct Reference: Hashable, Sendable {
    public enum Origin: Hashable, Sendable {
        case registry(host: RegistryHost, repository: Repository)
        case localStore(repository: Repository)
        case layout(directory: String)
    }

    public let origin: Origin
    /// nil if only a digest was given.
    public let tag: Tag?
    public let digest: Digest?

    public init(origin: Origin, tag: Tag?, digest: Digest?) {
        self.origin = origin
        self.tag = tag ?? (digest == nil ? .latest : nil)
        self.digest = digest
    }

    /// The same artifact, pinned to a digest.
    public func pinned(to digest: Digest) -> Reference { Reference(origin: origin, tag: tag, digest: digest) }
}

extension Reference: CustomStringConvertible {
    public var description: String {
        let base =
            switch origin {
            case .registry(let host, let repository): "\(host)/\(repository)"
            case .localStore(let repository): "\(repository)"
            case .layout(let directory): "oci:\(directory)"
            }
        return base + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

/// The name of a repository: lower-case components joined by slashes, 255 characters at most.
public struct Repository: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 255, !text.isEmpty,
            Array(text.utf8).split(separator: 47, omittingEmptySubsequences: false).allSatisfy({ Self.isComponent($0) })
        else { return nil }
        description = String(text)
    }

    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`: exactly one separator between two runs of letters and digits.
    private static func isComponent(_ text: ArraySlice<UInt8>) -> Bool {
        let isAlphanumeric = { (byte: UInt8) in byte.isLowercaseLetter || byte.isDigit }
        guard let first = text.first, let last = text.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return text.split(whereSeparator: isAlphanumeric).allSatisfy { separator in
            separator.elementsEqual([46]) || separator.elementsEqual([95]) || separator.elementsEqual([95, 95])
                || separator.allSatisfy { $0 == 45 }
        }
    }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
public struct Tag: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public static let latest = Tag(known: "latest")

    public init?(_ text: some StringProtocol) {
        guard let first = text.utf8.first, first.isAlphanumeric || first == UInt8(ascii: "_"), text.utf8.count <= 128,
            text.utf8.allSatisfy({ $0.isAlphanumeric || "_.-".utf8.contains($0) })
        else { return nil }
        description = String(text)
    }

    private init(known: String) { description = known }
}

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
