// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import TestSupport

/// This process's own directory for parsers that read files. It is in memory, so that a run takes only a few system
/// calls, and it is removed with the process.
enum FuzzPlace {
    /// The files and directories in it, directories first.
    private static let made = Mutex<[String]>([])

    static let directory: String = {
        var template = Array("/dev/shm/kitfs-fuzz.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("/dev/shm cannot be written") }
        atexit { FuzzPlace.removeAll() }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// Writes a file of this name and the directories above it. Returns its path.
    static func keep(_ bytes: [UInt8], as name: String) throws -> String {
        let path = directory + "/" + name
        if !made.withLock({ $0.contains(path) }) {
            var parent = directory
            for part in name.split(separator: "/").dropLast() {
                parent += "/" + part
                if mkdir(parent, 0o700) == 0 { made.withLock { $0.append(parent) } }
            }
            made.withLock { $0.append(path) }
        }
        try writeFile(path, bytes)
        return path
    }

    private static func removeAll() {
        for path in made.withLock({ $0.reversed() }) { remove(path) }
        remove(directory)
    }
}
