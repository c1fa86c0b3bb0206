// SPDX-License-Identifier: Apache-2.0

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
