// SPDX-License-Identifier: Apache-2.0

/// Why a text is not a reference, and what to write instead.
public struct ReferenceError: Error, Equatable, CustomStringConvertible {
    public let description: String
}

extension Reference {
    public init(parsing text: String) throws(ReferenceError) {
        func failure(_ reason: String) -> ReferenceError {
            ReferenceError(description: "“\(EntryPath.printable(Array(text.utf8)))” is not a reference: \(reason)")
        }
        var rest = Substring(text)
        var digest: Digest?
        if let at = rest.lastIndex(of: "@"), !rest[at...].contains("/") {
            digest = Digest(rest[rest.index(after: at)...])
            guard digest != nil else { throw failure("what follows “@” must be a digest such as sha256:9f2c… in full") }
            rest = rest[..<at]
        }
        if rest.hasPrefix("oci:") {
            let (directory, tag) = Self.splitTag(rest.dropFirst(4))
            guard !directory.isEmpty, !directory.utf8.contains(0) else {
                throw failure("“oci:” needs the directory of an OCI image layout, as in oci:DIR or oci:DIR:TAG")
            }
            self.init(origin: .layout(directory: String(directory)), tag: tag, digest: digest)
            return
        }
        var host: RegistryHost?
        if let slash = rest.firstIndex(of: "/"), rest[..<slash].contains(where: { $0 == "." || $0 == ":" }) {
            host = RegistryHost(rest[..<slash])
            guard host != nil else { throw failure("“\(rest[..<slash])” is not a host name with an optional port") }
            rest = rest[rest.index(after: slash)...]
        }
        if rest.contains(",") { throw failure("give one tag, not several") }
        var tag: Tag?
        if let colon = rest.firstIndex(of: ":") {
            tag = Tag(rest[rest.index(after: colon)...])
            guard tag != nil else {
                throw failure(
                    "a tag has up to 128 letters, digits, “_”, “.” and “-”, and starts with none of the last two")
            }
            rest = rest[..<colon]
        }
        guard let repository = Repository(rest) else {
            throw failure(
                rest.isEmpty
                    ? "it names no repository; write HOST/REPO:TAG"
                    : "a repository has lower-case letters and digits, with single “.”, “_”, “-” or “/” between them")
        }
        // With a tag, it would be parsed as a layout's directory.
        if host == nil, digest == nil, rest == "oci" { throw failure("write oci:DIR for an OCI image layout") }
        self.init(
            origin: host.map { .registry(host: $0, repository: repository) } ?? .localStore(repository: repository),
            tag: tag, digest: digest)
    }

    /// Splits `DIR:TAG`. The last part is the tag only if it is a valid one, so that directories may have colons.
    private static func splitTag(_ text: Substring) -> (Substring, Tag?) {
        guard let colon = text.lastIndex(of: ":"), let tag = Tag(text[text.index(after: colon)...]) else {
            return (text, nil)
        }
        return (text[..<colon], tag)
    }
}
