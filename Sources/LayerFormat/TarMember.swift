// SPDX-License-Identifier: Apache-2.0

/// One member of a tar, as described by its headers.
public struct TarMember: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case file, directory
        /// The payload is the target as the tar has it.
        case symbolicLink([UInt8])
        /// The payload is the path of an earlier member as the tar has it.
        case hardLink([UInt8])
    }

    /// As the tar has it; `EntryPath` says what is allowed.
    public let path: [UInt8]
    public let kind: Kind
    /// Permission bits and set-id bits: the low twelve.
    public let mode: UInt16
    /// Length of the content in bytes; 0 for all but files.
    public let size: UInt64
    /// Seconds since 1970; 0 in what kit writes.
    public let modified: Int64
    /// Where the member's first header block starts, in the uncompressed layer.
    public let headerOffset: UInt64
    /// Where the content starts, in the uncompressed layer.
    public let contentOffset: UInt64

    public init(
        path: [UInt8], kind: Kind, mode: UInt16, size: UInt64, modified: Int64, headerOffset: UInt64,
        contentOffset: UInt64
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.size = size
        self.modified = modified
        self.headerOffset = headerOffset
        self.contentOffset = contentOffset
    }
}

/// Why bytes are not a tar that can be mounted. Offsets are those of the header, in the uncompressed layer.
public enum TarError: Error, Equatable {
    case badChecksum(offset: UInt64)
    case badNumber(field: String, offset: UInt64)
    case badExtension(reason: String, offset: UInt64)
    case unsupported(what: String, path: String, offset: UInt64)
    /// A member reaches past the end of the layer, or its length past what a file can have.
    case tooLong(path: String, offset: UInt64)
    case truncated(offset: UInt64)
}

extension TarError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badChecksum(let offset): "tar header at \(offset): the checksum is wrong"
        case .badNumber(let field, let offset): "tar header at \(offset): the \(field) is not a number"
        case .badExtension(let reason, let offset): "tar header at \(offset): \(reason)"
        case .unsupported(let what, let path, let offset):
            "tar header at \(offset): “\(path)” is \(what), which a kit cannot have"
        case .tooLong(let path, let offset): "tar header at \(offset): “\(path)” reaches past the end of the layer"
        case .truncated(let offset): "the tar is truncated at \(offset)"
        }
    }
}
