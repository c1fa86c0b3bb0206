// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// The content of a directory, in a form that is easy to compare.
public enum TreeScan {
    /// Walks a directory without following symbolic links and reads every file.
    ///
    /// - Returns: the directory itself (`.`) and all below it, sorted by the bytes of their paths.
    public static func scan(_ directory: String) throws -> [TreeEntry] {
        var entries: [TreeEntry] = []
        var waiting: [[UInt8]] = [Array(".".utf8)]
        let root = Array(directory.utf8) + [UInt8(ascii: "/")]
        while let path = waiting.popLast() {
            let entry = try entry(path, at: root + path)
            entries.append(entry)
            guard entry.type == .directory else { continue }
            for name in try names(root + path) {
                waiting.append(path == Array(".".utf8) ? name : path + [UInt8(ascii: "/")] + name)
            }
        }
        return sorted(entries)
    }

    /// As ``scan(_:)``, for a tree of which parts cannot be read.
    ///
    /// - Returns: the readable entries, and the others: directories whose names cannot be listed, and entries whose
    ///   status or content cannot be read.
    public static func scanWhatCanBeRead(
        _ directory: String
    ) throws -> (entries: [TreeEntry], refused: [(path: [UInt8], code: Int32)]) {
        var entries: [TreeEntry] = []
        var refused: [(path: [UInt8], code: Int32)] = []
        var waiting: [[UInt8]] = [Array(".".utf8)]
        let root = Array(directory.utf8) + [UInt8(ascii: "/")]
        while let path = waiting.popLast() {
            do {
                let entry = try entry(path, at: root + path)
                entries.append(entry)
                guard entry.type == .directory else { continue }
                for name in try names(root + path) {
                    waiting.append(path == Array(".".utf8) ? name : path + [UInt8(ascii: "/")] + name)
                }
            } catch let error as TestSupportError {
                guard let code = error.code else { throw error }
                refused.append((path, code))
            }
        }
        return (sorted(entries), refused)
    }

    /// Reads a file with one JSON object per line: `path`, `type`, `mode` ("0o755"), and for files `size` and `sha256`.
    ///
    /// - Returns: sorted by the bytes of their paths.
    public static func truth(_ jsonl: String) throws -> [TreeEntry] {
        struct Line: Decodable {
            var path: String
            var type: TreeEntry.Kind
            var mode: String
            var size: Int?
            var sha256: String?
            var target: String?
        }
        let lines = try readFile(jsonl).split(separator: UInt8(ascii: "\n"))
        return sorted(
            try lines.map { bytes in
                let line = try JSONDecoder().decode(Line.self, from: Data(bytes))
                guard line.mode.hasPrefix("0o"), let mode = UInt16(line.mode.dropFirst(2), radix: 8) else {
                    throw TestSupportError("\(jsonl): not a mode: \(line.mode)")
                }
                return TreeEntry(
                    path: Array(line.path.utf8), type: line.type, mode: mode, size: line.size, sha256: line.sha256,
                    target: line.target.map { Array($0.utf8) })
            })
    }

    /// The differences between `found` and `expected`, one line for each path; empty if they agree. Values that an
    /// expected entry does not have (its time, say) are not compared.
    public static func differences(_ found: [TreeEntry], from expected: [TreeEntry]) -> [String] {
        let foundByPath = Dictionary(found.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let expectedPaths = Set(expected.map(\.path))
        let wrong = expected.compactMap { entry -> String? in
            guard let other = foundByPath[entry.path] else { return "missing: \(entry)" }
            return other.limited(to: entry) == entry ? nil : "found \(other), expected \(entry)"
        }
        return wrong + found.filter { !expectedPaths.contains($0.path) }.map { "unexpected: \($0)" }
    }

    private static func sorted(_ entries: [TreeEntry]) -> [TreeEntry] {
        entries.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private static func entry(_ path: [UInt8], at absolute: [UInt8]) throws -> TreeEntry {
        let file = cString(absolute)
        let shown = String(decoding: absolute, as: UTF8.self)
        var status = stat()
        try systemCall("lstat \(shown)") { lstat(file, &status) }
        var entry = TreeEntry(
            path: path, type: .other, mode: UInt16(status.st_mode & 0o7777), mtime: status.st_mtim.tv_sec)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            entry.type = .directory
        case S_IFREG:
            entry.type = .file
            entry.size = Int(status.st_size)
            entry.sha256 = try digest(file, shown)
        case S_IFLNK:
            entry.type = .link
            entry.size = Int(status.st_size)
            var target = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = try systemCall("readlink \(shown)") { readlink(file, &target, target.count) }
            entry.target = target[0..<length].map { UInt8(bitPattern: $0) }
        default:
            break
        }
        return entry
    }

    private static func digest(_ file: [CChar], _ shown: String) throws -> String {
        let descriptor = try systemCall("open \(shown)") { open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        defer { close(descriptor) }
        var sha = Sha256()
        var piece = [UInt8](repeating: 0, count: 1 << 17)
        while true {
            let count = try systemCall("read \(shown)") { read(descriptor, &piece, piece.count) }
            if count == 0 { return sha.finish() }
            sha.update(piece[0..<count])
        }
    }

    private static func names(_ directory: [UInt8]) throws -> [[UInt8]] {
        guard let stream = opendir(cString(directory)) else {
            throw TestSupportError.system("opendir \(String(decoding: directory, as: UTF8.self))")
        }
        defer { closedir(stream) }
        return try DirectoryListing.names(stream)
    }

    private static func cString(_ bytes: [UInt8]) -> [CChar] {
        bytes.map { CChar(bitPattern: $0) } + [0]
    }
}
