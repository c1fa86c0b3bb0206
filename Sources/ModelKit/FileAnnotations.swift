// SPDX-License-Identifier: Apache-2.0

/// The annotations of a layer that describe the one file in it.
///
/// Spec: <https://github.com/modelpack/model-spec/blob/main/docs/annotations.md>.
public struct FileAnnotations: Sendable, Equatable {
    /// The path as its author wrote it.
    public let path: String?
    /// The file name that ORAS and other tools set. Used only without a path.
    public let title: String?
    /// Permission bits.
    public let mode: UInt16?
    /// Seconds since 1970.
    public let modified: Int64?
    /// Bytes, uncompressed, at most `Int64.max`. Not verified.
    public let size: UInt64?

    private static let pathKeys = ["org.cncf.model.filepath", "org.cnai.model.filepath"]
    private static let titleKey = "org.opencontainers.image.title"
    private static let metadataKeys = ["org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json"]

    /// Metadata that cannot be parsed is ignored. The file is mounted without it.
    public init(_ annotations: [String: String]) {
        path = Self.pathKeys.compactMap { annotations[$0] }.first { !$0.isEmpty }
        title = annotations[Self.titleKey].flatMap { $0.isEmpty ? nil : $0 }
        let metadata = Self.metadataKeys.compactMap { annotations[$0] }.first.flatMap {
            JSONValue(parsing: Array($0.utf8))
        }
        mode = metadata?["mode"]?.unsigned.map { UInt16($0 & 0o7777) }
        size = metadata?["size"]?.unsigned.flatMap { $0 <= UInt64(Int64.max) ? $0 : nil }
        switch metadata?["mtime"] {
        case .string(let text)?: modified = Timestamp(parsing: text)?.seconds
        case .integer(let seconds)?: modified = seconds
        default: modified = nil
        }
    }
}

extension JSONValue {
    /// A whole number of at least 0; nil for every other value.
    var unsigned: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }
}
