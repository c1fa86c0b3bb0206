// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A whole file's bytes. Files in /proc do not state their size beforehand.
public func readFile(_ path: String) throws -> [UInt8] {
    let file = try systemCall("open \(path)") { open(path, O_RDONLY | O_CLOEXEC) }
    defer { close(file) }
    var result: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = try systemCall("read \(path)") { read(file, &piece, piece.count) }
        if count == 0 { return result }
        result.append(contentsOf: piece[0..<count])
    }
}

/// Makes or replaces a file with mode 0644.
public func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let file = try systemCall("create \(path)") { open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    defer { close(file) }
    try writeAll(file, bytes)
}

/// Writes all bytes, with as many calls as needed.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws {
    var done = 0
    while done < bytes.count {
        done += try bytes.withUnsafeBytes { buffer in
            try systemCall("write") { write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done) }
        }
    }
}
