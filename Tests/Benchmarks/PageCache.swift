// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// The page cache of files.
enum PageCache {
    /// Removes the pages of all files below a directory.
    static func drop(below directory: String) throws {
        let files = try Command.check("find", [directory, "-type", "f", "-size", "+0"], timeout: 300).output
        for file in files.split(separator: "\n") { _ = try FileReading.drop(String(file)) }
    }

    /// Removes all pages, directory entries and attributes of the whole machine.
    static func dropAll() throws {
        sync()
        guard getuid() == 0 else { throw NotHere("only root can empty the caches of the kernel") }
        try writeFile("/proc/sys/vm/drop_caches", Array("3\n".utf8))
    }

    /// Bytes of all files that are in memory.
    static var size: Double {
        get throws {
            try field("Cached", of: "/proc/meminfo")
        }
    }

    /// A number in a file of proc(5), in bytes.
    static func field(_ name: String, of file: String) throws -> Double {
        let text = String(decoding: try readFile(file), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            if let number = line.split(separator: " ").compactMap({ Double($0) }).first { return number * 1024 }
        }
        throw TestSupportError("no \(name) in \(file)")
    }
}
