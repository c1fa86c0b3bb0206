// SPDX-License-Identifier: Apache-2.0
private import Glibc
package import SystemPackage

/// Small text files: those of /proc, and our own records. At most 16 MiB are read.
package enum TextFile {
    package static func read(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// nil where it cannot be read: what /proc does not show, and what another process removed, is absent.
    package static func bytes(_ path: String) -> [UInt8]? {
        switch contents(of: path) {
        case .success(let bytes): bytes
        case .failure: nil
        }
    }

    /// The bytes of a file, or why it cannot be read.
    package static func contents(of path: String) -> Result<[UInt8], Errno> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(Errno(rawValue: errno)) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 16 << 20 {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .failure(Errno(rawValue: errno)) }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: piece[0..<count])
        }
        return .failure(.fileTooLarge)
    }

    /// The target of a symbolic link, which is not followed.
    package static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), memory.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
    }

    package static func names(in directory: String) -> [String] {
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
