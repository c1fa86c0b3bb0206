// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A file of a mount that is held open.
final class OpenedFile {
    private(set) var descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TestSupportError("open \(path): \(String(cString: strerror(errno)))") }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// All bytes up to the end of the range or of the file, or the error.
    func read(_ range: Range<Int>) -> Result<[UInt8], Errno> {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, range.lowerBound + done)
            }
            if count < 0 { return .failure(Errno(number: errno)) }
            if count == 0 { break }
            done += count
        }
        return .success(Array(bytes.prefix(done)))
    }

    /// Reads a byte. Returns the error's number; 0 for success.
    func error(at offset: Int) -> Int32 {
        if case .failure(let error) = read(offset..<(offset + 1)) { error.number } else { 0 }
    }

    struct Errno: Error, Equatable { let number: Int32 }
}
