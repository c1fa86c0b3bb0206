// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// Reading one file.
enum FileReading {
    /// Reads a file to its end, a MiB at a time. `name` is below the directory, or a path.
    ///
    /// - Returns: bytes.
    static func all(of name: String, in directory: Int32 = AT_FDCWD) throws -> Int {
        let file = openat(directory, name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open \(name)") }
        defer { close(file) }
        var total = 0
        while true {
            let count = read(file, buffer, bufferSize)
            guard count >= 0 else { throw failure("read \(name)") }
            if count == 0 { return total }
            total += count
        }
    }

    static func first(_ wanted: Int, of path: String) throws -> Int {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open \(path)") }
        defer { close(file) }
        var total = 0
        while total < wanted {
            let count = read(file, buffer, min(bufferSize, wanted - total))
            guard count > 0 else { throw failure("read \(path)") }
            total += count
        }
        return total
    }

    /// Removes a file's pages from the page cache, after it has written dirty ones to disk.
    static func drop(_ path: String) throws -> Int {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open \(path)") }
        defer { close(file) }
        fsync(file)
        posix_fadvise(file, 0, 0, Int32(POSIX_FADV_DONTNEED))
        return 0
    }

    static func failure(_ what: String) -> TestSupportError {
        TestSupportError("\(what): \(String(cString: strerror(errno)))")
    }

    private static let bufferSize = 1 << 20
    // SAFETY: only the process's one reading thread uses it; its bytes are never looked at.
    nonisolated(unsafe) private static let buffer = UnsafeMutableRawPointer.allocate(
        byteCount: bufferSize, alignment: 4096)
}
