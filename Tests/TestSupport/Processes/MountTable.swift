// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The mounts that this process sees, as proc(5) lists them in /proc/self/mountinfo.
enum MountTable {
    /// The mount points at or below `directory`, in the order of mounting, so the last one must be unmounted first.
    ///
    /// - Parameter directory: absolute, without symbolic links and without a trailing slash.
    static func mountPoints(below directory: String) throws -> [[UInt8]] {
        let root = Array(directory.utf8)
        let table = try readFile("/proc/self/mountinfo")
        return table.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 4 else { return nil }
            let point = unescape(fields[4])
            let isBelow = point.starts(with: root + [UInt8(ascii: "/")])
            return point == root || isBelow ? point : nil
        }
    }

    /// Unmounts lazily all mounts below `directory`. Those that cannot be unmounted stay.
    static func unmountAll(below directory: String) throws {
        for point in try mountPoints(below: directory).reversed() {
            let path = point.map { CChar(bitPattern: $0) } + [0]
            if umount2(path, Int32(MNT_DETACH)) != 0, errno == EPERM {
                // Without privileges, only fusermount3 may unmount what it has mounted.
                let name = String(decoding: point, as: UTF8.self)
                _ = try? Command.run("fusermount3", ["-u", "-z", name], timeout: 10)
            }
        }
    }

    /// The kernel writes space, tab, newline and backslash as three octal digits: `\040`.
    static func unescape(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var index = field.startIndex
        while index < field.endIndex {
            let digits = field[(index + 1)...].prefix(3)
            let isOctal = digits.count == 3 && digits.allSatisfy { (0x30...0x37).contains($0) }
            if field[index] == UInt8(ascii: "\\"), isOctal {
                result.append(digits.reduce(0) { $0 &* 8 &+ ($1 &- 0x30) })
                index += 4
            } else {
                result.append(field[index])
                index += 1
            }
        }
        return result
    }
}
