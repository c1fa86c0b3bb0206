// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The names in a directory, as bytes, since a name need not be UTF-8.
enum DirectoryListing {
    /// All names but `.` and `..`, in the order the kernel gives them.
    static func names(_ stream: OpaquePointer) throws -> [[UInt8]] {
        var result: [[UInt8]] = []
        while true {
            // Only errno distinguishes an error from the end.
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw TestSupportError.system("readdir") }
                return result
            }
            // Copying a whole dirent would read past a short record's end.
            guard let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) else { return result }
            let start = UnsafeRawPointer(entry).advanced(by: offset)
            let length = strlen(start.assumingMemoryBound(to: CChar.self))
            let name = [UInt8](UnsafeRawBufferPointer(start: start, count: length))
            if name != Array(".".utf8), name != Array("..".utf8) { result.append(name) }
        }
    }
}
