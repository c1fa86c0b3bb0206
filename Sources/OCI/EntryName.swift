// SPDX-License-Identifier: Apache-2.0

/// The name of one entry in a directory, as bytes: neither empty, `.` nor `..`, without `/` and NUL, 255 at most.
///
/// Never a `String`: Swift compares strings by canonical equivalence, so that two sibling files whose names differ only
/// as NFC and NFD would be one. Invalid UTF-8 is a legal name.
public struct EntryName: Hashable, Sendable {
    public let bytes: [UInt8]

    /// NAME_MAX of Linux, in bytes.
    public static let lengthLimit = 255

    public init?(_ bytes: some Sequence<UInt8>) { self.init(Array(bytes)[...]) }

    /// Not generic: it is called for each entry, from modules that could not specialise a generic one.
    public init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard !bytes.isEmpty, bytes.count <= Self.lengthLimit, bytes != [46], bytes != [46, 46],
            !bytes.contains(47), !bytes.contains(0)
        else { return nil }
        self.bytes = bytes
    }

    public init?(_ text: String) { self.init(text.utf8) }
}

extension EntryName: Comparable, CustomStringConvertible {
    public static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
    /// For messages only: invalid UTF-8 and control characters are replaced.
    public var description: String { EntryPath.printable(bytes) }
}
