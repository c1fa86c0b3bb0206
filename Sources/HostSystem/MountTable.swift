// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// The mounts of /proc/self/mountinfo. See proc_pid_mountinfo(5).
package struct MountTable {
    package struct Entry {
        package let directory: String
        package let type: String
        package let source: String
        package var isKitfs: Bool { type == "fuse.kitfs" }
    }

    package let entries: [Entry]

    package static func current() -> MountTable {
        guard let text = TextFile.read("/proc/self/mountinfo") else { return MountTable(entries: []) }
        return MountTable(entries: text.split(separator: "\n").compactMap(Self.parse))
    }

    private static func parse(_ line: Substring) -> Entry? {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 2, fields.count > 4 else { return nil }
        return Entry(
            directory: unescaped(fields[4]), type: unescaped(fields[dash + 1]), source: unescaped(fields[dash + 2]))
    }

    /// mountinfo writes spaces and the like as a backslash and three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The mount that is visible at a directory: the last of a stack.
    package func entry(at directory: String) -> Entry? { entries.last { $0.directory == directory } }

    /// Resolves links in a path without touching what is mounted at it. A mount may hang or be dead.
    package static func canonical(_ path: String) -> String {
        let absolute = Environment.absolute(path)
        var parts = absolute.split(separator: "/").map(String.init)
        guard let last = parts.popLast() else { return "/" }
        if last == "." || last == ".." { return resolved(absolute) ?? absolute }
        let parent = resolved("/" + parts.joined(separator: "/")) ?? "/" + parts.joined(separator: "/")
        let candidate = parent == "/" ? "/" + last : parent + "/" + last
        // Links to a mount point are followed. A mount point itself is not looked at.
        if current().entry(at: candidate) != nil { return candidate }
        return resolved(candidate) ?? candidate
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
