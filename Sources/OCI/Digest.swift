// SPDX-License-Identifier: Apache-2.0

/// The content address of a blob, `ALGORITHM:HEX`.
///
/// Spec: <https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests>. Only the two registered
/// algorithms are accepted, since other digests could not be verified.
public struct Digest: Hashable, Sendable {
    public enum Algorithm: String, Sendable, CaseIterable {
        case sha256, sha512

        /// Length of the digest in hexadecimal characters.
        public var hexLength: Int {
            switch self {
            case .sha256: 64
            case .sha512: 128
            }
        }
    }

    public let algorithm: Algorithm
    /// Lower-case hexadecimal, exactly `algorithm.hexLength` characters.
    public let hex: String

    /// Reads `sha256:…` or `sha512:…`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"), let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
            return nil
        }
        self.init(algorithm: algorithm, hex: String(text[text.index(after: colon)...]))
    }

    /// nil unless `hex` is lower-case hexadecimal of the algorithm's length.
    public init?(algorithm: Algorithm, hex: String) {
        guard hex.utf8.count == algorithm.hexLength, hex.utf8.allSatisfy(\.isLowercaseHexDigit) else { return nil }
        self.algorithm = algorithm
        self.hex = hex
    }

    /// The first eight bytes of the digest as a number. It is spread evenly, and differs when the content does.
    public var leadingBits: UInt64 { UInt64(hex.prefix(16), radix: 16) ?? 0 }

    /// The first twelve characters, which tell layers apart in a table.
    public var short: String { String(hex.prefix(12)) }
}

extension Digest: CustomStringConvertible {
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "“\(text.prefix(80))” is not a sha256 or sha512 digest")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
