// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// Walks a tree, relative to open directories, as find(1) does.
enum TreeReading {
    /// Calls `visit` with the name of each entry that is not a directory, and with the directory's descriptor.
    ///
    /// - Returns: the number of entries, without directories.
    static func walk(_ path: String, _ visit: (String, Int32) throws -> Int) throws -> Int {
        try walk(path, in: AT_FDCWD, visit)
    }

    /// Reads the attributes that `ls -l` needs.
    static func attributes(_ name: String, _ directory: Int32) throws -> Int {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw FileReading.failure("stat \(name)")
        }
        return Int(status.st_size)
    }

    private static func walk(
        _ name: String, in parent: Int32, _ visit: (String, Int32) throws -> Int
    ) throws -> Int {
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, let stream = fdopendir(descriptor) else { throw FileReading.failure("open \(name)") }
        defer { closedir(stream) }
        var count = 0
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw FileReading.failure("list \(name)") }
                return count
            }
            let child = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if child == "." || child == ".." { continue }
            if entry.pointee.d_type == UInt8(DT_DIR) {
                count += try walk(child, in: descriptor, visit)
            } else {
                _ = try visit(child, descriptor)
                count += 1
            }
        }
    }
}
