// SPDX-License-Identifier: Apache-2.0

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
