// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Reads a tar's headers, and says which bytes it needs next. Content is skipped, so that the same parser lists a
/// remote tar by range requests and reads one that is being inflated.
///
///     while parser.wanted > 0 { try parser.consume(the bytes at parser.offset, parser.wanted of them) }
public struct TarParser: Sendable {
    /// Offset of the wanted bytes in the uncompressed layer.
    public private(set) var offset: UInt64 = 0
    /// How many bytes `consume` takes next: one header block, or an extension's whole content. 0 at the end.
    public private(set) var wanted = TarHeader.blockSize

    /// Length of the uncompressed layer in bytes; nil where it is unknown, so that a member may claim any length.
    private let length: UInt64?
    /// The longest extended header in bytes. A name has at most PATH_MAX bytes, far less.
    private static let extensionLimit: UInt64 = 1 << 20

    /// Offset of the end of the last member's content. The padding from there to `offset` may be missing.
    private var contentEnd: UInt64 = 0
    private var state = State.header
    private var extensions = TarExtensions()
    private var firstHeader: UInt64?

    private enum State { case header, extended(type: UInt8, size: UInt64), end }

    public init(length: UInt64?) { self.length = length }

    /// Whether the end marker was read, or the layer ended between two members, as tars of other tools than kit may.
    public var isAtEnd: Bool { wanted == 0 }

    /// For the end of the stream at `end`: nil if the tar may end there.
    public func prematureEnd(at end: UInt64) -> TarError? {
        if isAtEnd { return nil }
        if case .header = state, extensions.isEmpty, contentEnd...offset ~= end { return nil }
        return .truncated(offset: min(offset, end))
    }

    /// Takes exactly `wanted` bytes; returns the member that they complete, if any.
    public mutating func consume(_ bytes: [UInt8]) throws(TarError) -> TarMember? {
        precondition(bytes.count == wanted && wanted > 0)
        switch state {
        case .end:
            return nil
        case .extended(let type, let size):
            try extensions.read(bytes.prefix(Int(size)), type: type, at: offset)
            offset += UInt64(wanted)
            expectHeader()
            return nil
        case .header:
            return try consumeHeader(bytes)
        }
    }

    private mutating func expectHeader() {
        state = .header
        // A tar cannot end after an extension: the missing header is wanted.
        wanted = length == offset && extensions.isEmpty ? 0 : TarHeader.blockSize
    }

    private mutating func consumeHeader(_ block: [UInt8]) throws(TarError) -> TarMember? {
        let here = offset
        if TarHeader.isZero(block) {
            guard extensions.isEmpty else {
                throw .badExtension(reason: "an extension stands before the end", offset: here)
            }
            state = .end
            wanted = 0
            return nil
        }
        let header = try TarHeader(parsing: block, at: here)
        firstHeader = firstHeader ?? here
        if TarExtensions.isExtension(header.type) {
            guard header.size <= Self.extensionLimit else {
                throw .badExtension(reason: "an extension claims \(header.size) bytes", offset: here)
            }
            offset = here + UInt64(TarHeader.blockSize)
            wanted = Self.padded(Int(header.size))
            state = .extended(type: header.type, size: header.size)
            if wanted == 0 { expectHeader() }
            if let length, offset + UInt64(wanted) > length { throw .truncated(offset: here) }
            return nil
        }
        return try finishMember(header, at: here)
    }

    private mutating func finishMember(_ header: TarHeader, at here: UInt64) throws(TarError) -> TarMember {
        let path = extensions.path ?? header.path
        let link = extensions.linkTarget ?? header.linkTarget
        let claimed = extensions.size ?? header.size
        // Computed only for errors: it costs more than everything else here.
        var printable: String { EntryPath.printable(path) }
        func unsupported(_ what: String) -> TarError { .unsupported(what: what, path: printable, offset: here) }
        let kind: TarMember.Kind
        switch header.type {
        // Before POSIX, a directory was a file whose name ends in a slash.
        case 0, UInt8(ascii: "0"): kind = path.last == 47 ? .directory : .file
        case UInt8(ascii: "7"): kind = .file
        case UInt8(ascii: "1"): kind = .hardLink(link)
        case UInt8(ascii: "2"): kind = .symbolicLink(link)
        case UInt8(ascii: "5"): kind = .directory
        case UInt8(ascii: "3"), UInt8(ascii: "4"): throw unsupported("a device")
        case UInt8(ascii: "6"): throw unsupported("a named pipe")
        case UInt8(ascii: "S"): throw unsupported("a sparse file in GNU's old format")
        default: throw unsupported("a member of type “\(EntryPath.printable([header.type]))”")
        }
        if let what = extensions.unsupported { throw unsupported(what) }
        let size = kind == .file ? claimed : 0
        let content = here + UInt64(TarHeader.blockSize)
        // `content` can be 2^63 already, where a file cannot have content.
        let limit = UInt64(Int64.max) - UInt64(TarHeader.blockSize)
        guard content <= limit, size <= limit - content else { throw .tooLong(path: printable, offset: here) }
        let next = content + (size + 511) / 512 * 512
        if let length, content + size > length { throw .tooLong(path: printable, offset: here) }
        let member = TarMember(
            path: path, kind: kind, mode: header.mode, size: size, modified: extensions.modified ?? header.modified,
            headerOffset: firstHeader ?? here, contentOffset: content)
        offset = length.map { min(next, $0) } ?? next
        contentEnd = content + size
        firstHeader = nil
        extensions.reset()
        expectHeader()
        return member
    }

    private static func padded(_ count: Int) -> Int {
        (count + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize
    }
}
