// SPDX-License-Identifier: Apache-2.0

/// One name in a tree, from a scan or from a truth file.
public struct TreeEntry: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable, Codable {
        case directory = "d"
        case file = "f"
        case link = "l"
        /// A device, a pipe or a socket.
        case other = "o"
    }

    /// The path relative to the scanned directory, which itself is `.`. It is bytes, since equal strings may have
    /// different bytes.
    public var path: [UInt8]
    public var type: Kind
    /// Permission, set-id and sticky bits: 0 to 0o7777.
    public var mode: UInt16
    /// In bytes; nil for a directory, whose size says more about its file system than about the directory.
    public var size: Int?
    /// 64 lower-case hexadecimal digits; nil if the entry is not a file.
    public var sha256: String?
    /// Seconds since 1970; nil if a truth file does not have it.
    public var mtime: Int?
    /// A symbolic link's target as stored; nil if the entry is not a link.
    public var target: [UInt8]?

    public init(
        path: [UInt8], type: Kind, mode: UInt16, size: Int? = nil, sha256: String? = nil, mtime: Int? = nil,
        target: [UInt8]? = nil
    ) {
        self.path = path
        self.type = type
        self.mode = mode
        self.size = size
        self.sha256 = sha256
        self.mtime = mtime
        self.target = target
    }

    /// The path for messages. Invalid UTF-8 is shown as replacement characters.
    public var name: String { String(decoding: path, as: UTF8.self) }

    public var description: String {
        var parts = [type.rawValue, "0o" + String(mode, radix: 8), name]
        if let size { parts.append("\(size) bytes") }
        if let sha256 { parts.append(sha256) }
        if let mtime { parts.append("mtime \(mtime)") }
        if let target { parts.append("-> " + String(decoding: target, as: UTF8.self)) }
        return parts.joined(separator: " ")
    }

    /// This entry without the values that `other` does not have, to compare a scan with a truth file.
    func limited(to other: TreeEntry) -> TreeEntry {
        var result = self
        if other.size == nil { result.size = nil }
        if other.sha256 == nil { result.sha256 = nil }
        if other.mtime == nil { result.mtime = nil }
        if other.target == nil { result.target = nil }
        return result
    }
}
