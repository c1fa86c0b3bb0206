// SPDX-License-Identifier: Apache-2.0
package import Glibc
package import SystemPackage

/// Owns a file descriptor, and closes it when its last user is gone.
///
/// All reads and writes give their own offset, so that threads can share the descriptor.
package final class OwnedFile: Sendable {
    package let descriptor: FileDescriptor

    package init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// Reads until `buffer` is full or the file ends. Returns the number of bytes read.
    package func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try checkUninterrupted {
                pread(
                    descriptor.rawValue, buffer.baseAddress.map { $0 + done }, buffer.count - done,
                    off_t(offset) + done)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads exactly `count` bytes. Throws `Errno.outOfRange` if the file ends before that.
    package func bytes(at offset: UInt64, count: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(Errno) -> Int in try read(at: offset, into: buffer) }
        }
        let done = try result.get()
        guard done == count else { throw .outOfRange }
        return bytes
    }

    package func write(_ bytes: RawSpan, at offset: UInt64) throws(Errno) {
        DurableStep.write.pass(.before, descriptor)
        try bytes.withUnsafeBytes { (buffer) throws(Errno) -> Void in
            var done = 0
            while done < buffer.count {
                done += try checkUninterrupted {
                    pwrite(
                        descriptor.rawValue, buffer.baseAddress.map { $0 + done }, buffer.count - done,
                        off_t(offset) + done)
                }
            }
        }
        DurableStep.write.pass(.after, descriptor)
    }

    package func truncate(to size: UInt64) throws(Errno) {
        DurableStep.truncate.pass(.before, descriptor)
        try check(ftruncate(descriptor.rawValue, off_t(size)))
        DurableStep.truncate.pass(.after, descriptor)
    }

    /// Waits until the data, and the metadata needed to read it, are on disk: fdatasync(2).
    package func sync() throws(Errno) {
        DurableStep.sync.pass(.before, descriptor)
        try check(fdatasync(descriptor.rawValue))
        DurableStep.sync.pass(.after, descriptor)
    }

    package var attributes: FileAttributes {
        get throws(Errno) {
            var status = stat()
            try check(fstat(descriptor.rawValue, &status))
            return FileAttributes(status)
        }
    }
}

/// The fields of stat(2) that the cache needs.
package struct FileAttributes: Equatable {
    package let device: UInt64
    package let inode: UInt64
    /// Bytes.
    package let size: UInt64
    /// Bytes that the file takes on disk.
    package let allocated: UInt64
    package let isDirectory: Bool
    /// The number of hard links.
    package let links: UInt64
    package let owner: UInt32
    /// Seconds since 1970.
    package let modified: Int64

    package init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = UInt64(max(0, status.st_size))
        allocated = UInt64(max(0, status.st_blocks)) * 512
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        links = UInt64(status.st_nlink)
        owner = status.st_uid
        modified = Int64(status.st_mtim.tv_sec)
    }

    package func isSameFile(as other: FileAttributes) -> Bool { device == other.device && inode == other.inode }
}
