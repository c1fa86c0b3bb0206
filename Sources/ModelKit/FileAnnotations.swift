// SPDX-License-Identifier: Apache-2.0
private import FoundationEssentials

/// What a layer's annotations say of the one file in it.
///
/// Spec: <https://github.com/modelpack/model-spec/blob/main/docs/annotations.md>.
public struct FileAnnotations: Sendable, Equatable {
    /// As its author wrote it.
    public let path: String?
    /// Permission bits.
    public let mode: UInt16?
    /// Seconds since 1970.
    public let modified: Int64?
    /// Bytes, uncompressed. A claim.
    public let size: UInt64?

    private static let pathKeys = [
        "org.cncf.model.filepath", "org.cnai.model.filepath",
        // What ORAS and others call a file by.
        "org.opencontainers.image.title",
    ]
    private static let metadataKeys = ["org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json"]

    /// Metadata that cannot be read is passed over: the file is there all the same.
    public init(_ annotations: [String: String]) {
        path = Self.pathKeys.compactMap { annotations[$0] }.first { !$0.isEmpty }
        let metadata = Self.metadataKeys.compactMap { annotations[$0] }.first.flatMap {
            try? JSONDecoder().decode(JSONValue.self, from: Data($0.utf8))
        }
        mode = metadata?["mode"]?.unsigned.map { UInt16($0 & 0o7777) }
        size = metadata?["size"]?.unsigned
        switch metadata?["mtime"] {
        case .string(let text)?: modified = Self.seconds(text)
        case .integer(let seconds)?: modified = seconds
        default: modified = nil
        }
    }

    /// RFC 3339, as Go writes times: with or without fractions of a second.
    private static func seconds(_ text: String) -> Int64? {
        let styles = [
            Date.ISO8601FormatStyle(includingFractionalSeconds: false),
            Date.ISO8601FormatStyle(includingFractionalSeconds: true),
        ]
        let date = styles.lazy.compactMap { try? $0.parse(text) }.first
        return date.flatMap { Int64(exactly: $0.timeIntervalSince1970.rounded(.down)) }
    }
}

extension JSONValue {
    /// A whole number of 0 and more.
    var unsigned: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }
}
