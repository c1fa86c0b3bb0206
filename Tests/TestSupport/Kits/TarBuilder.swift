// SPDX-License-Identifier: Apache-2.0

/// Writes tar archives byte for byte as kit does (Go's archive/tar with uid 1000, gid 0, mtime 0): ustar headers, and a
/// PAX `x` record before each name that does not fit them. Paths are written as given: neither ancestors nor trailing
/// slashes are added.
///
/// Each method takes its path as a `String`, or as bytes if it is not UTF-8.
public struct TarBuilder: Sendable {
    /// The bytes so far, a multiple of 512 unless ``append(_:)`` changed that.
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func directory(_ path: String, mode: UInt16 = 0o755) {
        directory(Array(path.utf8), mode: mode)
    }

    public mutating func directory(_ path: [UInt8], mode: UInt16 = 0o755) {
        entry(TarHeader(path: path, type: "5", mode: mode))
    }

    public mutating func file(_ path: String, _ content: [UInt8], mode: UInt16 = 0o644) {
        file(Array(path.utf8), content, mode: mode)
    }

    public mutating func file(_ path: [UInt8], _ content: [UInt8], mode: UInt16 = 0o644) {
        entry(TarHeader(path: path, type: "0", mode: mode, size: content.count), content)
    }

    public mutating func symlink(_ path: String, to target: String) {
        symlink(Array(path.utf8), to: Array(target.utf8))
    }

    public mutating func symlink(_ path: [UInt8], to target: [UInt8]) {
        entry(TarHeader(path: path, type: "2", mode: 0o777, target: target))
    }

    /// - Parameter target: the path of an earlier member.
    public mutating func hardLink(_ path: String, to target: String, mode: UInt16 = 0o644) {
        hardLink(Array(path.utf8), to: Array(target.utf8), mode: mode)
    }

    public mutating func hardLink(_ path: [UInt8], to target: [UInt8], mode: UInt16 = 0o644) {
        entry(TarHeader(path: path, type: "1", mode: mode, target: target))
    }

    /// Adds a PAX record for the next entry, with keys that this builder would not write itself: `size`, `mtime`, or
    /// false claims.
    public mutating func pax(_ records: [(key: String, value: [UInt8])], for path: String = "file") {
        bytes += TarHeader.paxEntry(records, for: Array(path.utf8))
    }

    /// Adds an entry whose header is changed before it is written, for what other tools write (GNU long names with type
    /// `L`, base-256 sizes) and for invalid headers.
    ///
    /// - Parameters:
    ///   - path: put into the name field as far as it fits; no PAX record is made.
    ///   - type: the type flag, one ASCII character.
    ///   - content: padded to 512 bytes; the size field tells its true size unless `customize` changes it.
    ///   - fixChecksum: false keeps the checksum of the header as it was before `customize`, or what that wrote.
    ///   - customize: gets all 512 bytes of the header.
    public mutating func raw(
        _ path: [UInt8], type: Character = "0", _ content: [UInt8] = [], mode: UInt16 = 0o644,
        fixChecksum: Bool = true, header customize: (inout [UInt8]) -> Void
    ) {
        var header = TarHeader(path: path, type: type, mode: mode, size: content.count).block(splittingPath: false)
        customize(&header)
        if fixChecksum { TarHeader.setChecksum(&header) }
        bytes += header
        bytes += TarHeader.padded(content)
    }

    /// Appends bytes as they are, without padding.
    public mutating func append(_ raw: [UInt8]) {
        bytes += raw
    }

    /// The archive, ended by 1024 zero bytes.
    public func finish() -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: 1024)
    }

    private mutating func entry(_ header: TarHeader, _ content: [UInt8] = []) {
        let records = header.paxRecords
        if !records.isEmpty { bytes += TarHeader.paxEntry(records, for: header.path) }
        bytes += header.block(splittingPath: records.isEmpty)
        bytes += TarHeader.padded(content)
    }
}
