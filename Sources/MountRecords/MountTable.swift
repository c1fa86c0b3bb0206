// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// What is mounted, as /proc/self/mountinfo tells it. See proc_pid_mountinfo(5).
struct MountTable {
    struct Entry {
        let directory: String
        let type: String
        let source: String
        var isKitfs: Bool { type == "fuse.kitfs" }
    }

    let entries: [Entry]

    static func current() -> MountTable {
        guard let text = TextFile.read("/proc/self/mountinfo") else { return MountTable(entries: []) }
        return MountTable(entries: text.split(separator: "\n").compactMap(Self.parse))
    }

    private static func parse(_ line: Substring) -> Entry? {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 2, fields.count > 4 else { return nil }
        return Entry(
            directory: unescaped(fields[4]), type: unescaped(fields[dash + 1]), source: unescaped(fields[dash + 2]))
    }

    /// Spaces and the like stand as three octal digits.
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

    /// The mount that is seen at a directory: the last of those on top of each other.
    func entry(at directory: String) -> Entry? { entries.last { $0.directory == directory } }

    /// The path without links, without touching what is mounted there: it may hang, or be dead.
    static func canonical(_ path: String) -> String {
        let absolute = Environment.absolute(path)
        var parts = absolute.split(separator: "/").map(String.init)
        guard let last = parts.popLast() else { return "/" }
        if last == "." || last == ".." { return resolved(absolute) ?? absolute }
        let parent = resolved("/" + parts.joined(separator: "/")) ?? "/" + parts.joined(separator: "/")
        let candidate = parent == "/" ? "/" + last : parent + "/" + last
        // A link to a mount point is followed, a mount point itself is not looked at.
        if current().entry(at: candidate) != nil { return candidate }
        return resolved(candidate) ?? candidate
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}

/// Small text files: of /proc, and our own records.
enum TextFile {
    static func read(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    static func bytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 16 << 20 {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return count == 0 ? bytes : nil }
            bytes.append(contentsOf: piece[0..<count])
        }
        return nil
    }

    /// What a symbolic link says, without following it.
    static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), memory.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
    }

    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
