// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// What of files is in memory.
enum PageCache {
    /// Takes the pages of all files below out of it.
    static func drop(below directory: String) throws {
        let files = try Command.check("find", [directory, "-type", "f", "-size", "+0"], timeout: 300).output
        for file in files.split(separator: "\n") { _ = try FileReading.drop(String(file)) }
    }

    /// All of it, with all directories and attributes.
    static func dropAll() throws {
        sync()
        guard getuid() == 0 else { throw NotHere("only root can empty the caches of the kernel") }
        try writeFile("/proc/sys/vm/drop_caches", Array("3\n".utf8))
    }

    /// Bytes that the kernel holds of all files.
    static var size: Double {
        get throws {
            try field("Cached", of: "/proc/meminfo")
        }
    }

    /// A number of a file as proc(5) writes it, in bytes.
    static func field(_ name: String, of file: String) throws -> Double {
        let text = String(decoding: try readFile(file), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            if let number = line.split(separator: " ").compactMap({ Double($0) }).first { return number * 1024 }
        }
        throw TestSupportError("no \(name) in \(file)")
    }
}
