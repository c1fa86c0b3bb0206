// SPDX-License-Identifier: Apache-2.0
package import Glibc
package import SystemPackage

/// An open directory. Names below it are relative to it, so the directory may be renamed while it is open.
package final class DirectoryHandle: Sendable {
    package let descriptor: FileDescriptor

    private init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    package static func open(_ path: String) throws(Errno) -> DirectoryHandle {
        try DirectoryHandle(descriptor(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
    }

    package func directory(_ name: String, followLinks: Bool = false) throws(Errno) -> DirectoryHandle {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followLinks ? 0 : O_NOFOLLOW)
        return try DirectoryHandle(Self.descriptor(openat(descriptor.rawValue, name, flags)))
    }

    /// Makes a directory if there is none.
    package static func make(_ path: String, mode: mode_t) throws(Errno) {
        if mkdir(path, mode) != 0, errno != EEXIST {
            let error = Errno(rawValue: errno)
            // Where no directory may be made, an existing one is enough.
            if access(path, F_OK) != 0 { throw error }
        }
    }

    /// Opens a directory, and makes it first if it does not exist.
    package func makeDirectory(
        _ name: String, mode: mode_t = 0o755, followLinks: Bool = false
    ) throws(Errno) -> DirectoryHandle {
        DurableStep.make.pass(.before, descriptor, name)
        if mkdirat(descriptor.rawValue, name, mode) != 0, errno != EEXIST { throw Errno(rawValue: errno) }
        DurableStep.make.pass(.after, descriptor, name)
        return try directory(name, followLinks: followLinks)
    }

    package enum Access {
        case read, readWrite
        /// The file is made if it does not exist. With `exclusive`, it must not exist.
        case create(exclusive: Bool)
    }

    package func file(_ name: String, _ access: Access) throws(Errno) -> OwnedFile {
        let flags: Int32
        switch access {
        case .read: flags = O_RDONLY
        case .readWrite: flags = O_RDWR
        case .create(let exclusive):
            flags = O_RDWR | O_CREAT | (exclusive ? O_EXCL : 0)
            DurableStep.make.pass(.before, descriptor, name)
        }
        return try OwnedFile(
            Self.descriptor(openat(descriptor.rawValue, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)))
    }

    /// All of a small file; nil where it cannot be had, is none, or has more than `limit` bytes. For files that may be
    /// missing, damaged or another user's, and are then as good as missing.
    package func contents(of name: String, atMost limit: UInt64) -> [UInt8]? {
        do throws(Errno) {
            let file = try file(name, .read)
            let size = try file.attributes.size
            return size <= limit ? try file.bytes(at: 0, count: Int(size)) : nil
        } catch {
            return nil
        }
    }

    package func attributes(of name: String) throws(Errno) -> FileAttributes {
        var status = stat()
        try check(fstatat(descriptor.rawValue, name, &status, AT_SYMLINK_NOFOLLOW))
        return FileAttributes(status)
    }

    package var attributes: FileAttributes {
        get throws(Errno) {
            var status = stat()
            try check(fstat(descriptor.rawValue, &status))
            return FileAttributes(status)
        }
    }

    /// Whether this directory has the name `name` in `parent`.
    package func isNamed(_ name: String, in parent: DirectoryHandle) throws(Errno) -> Bool {
        guard let found = try ifThere({ () throws(Errno) in try parent.attributes(of: name) }) else { return false }
        return try attributes.isSameFile(as: found)
    }

    /// Why nothing can be written in this directory; nil if it is writable.
    package var writeObstacle: Errno? {
        faccessat(descriptor.rawValue, ".", W_OK, AT_EACCESS) == 0 ? nil : Errno(rawValue: errno)
    }

    /// Renames. A file replaces the file that has the new name. A directory throws `Errno.fileExists` instead:
    /// rename(2) refuses to replace a directory that is not empty, and the cache's directories never are.
    package func rename(_ name: String, to other: DirectoryHandle, as newName: String) throws(Errno) {
        DurableStep.rename.pass(.before, descriptor, name, to: other.descriptor, as: newName)
        if renameat(descriptor.rawValue, name, other.descriptor.rawValue, newName) != 0 {
            throw errno == ENOTEMPTY ? .fileExists : Errno(rawValue: errno)
        }
        DurableStep.rename.pass(.after, descriptor, name, to: other.descriptor, as: newName)
    }

    package func remove(_ name: String) throws(Errno) {
        DurableStep.remove.pass(.before, descriptor, name)
        try check(unlinkat(descriptor.rawValue, name, 0))
        DurableStep.remove.pass(.after, descriptor, name)
    }

    package func sync() throws(Errno) {
        DurableStep.sync.pass(.before, descriptor)
        try check(fsync(descriptor.rawValue))
        DurableStep.sync.pass(.after, descriptor)
    }

    /// Names, sorted, without `.` and `..`. Names that are not UTF-8 are left out: all names that kitfs writes are
    /// UTF-8.
    package func names() throws(Errno) -> [String] {
        let own = try Self.descriptor(openat(descriptor.rawValue, ".", O_RDONLY | O_CLOEXEC)).rawValue
        guard let stream = fdopendir(own) else {
            let error = Errno(rawValue: errno)
            close(own)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(validating: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let name, name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw Errno(rawValue: errno) }
        return names.sorted()
    }

    /// Deletes a directory if it is empty.
    package func removeEmptyDirectory(_ name: String) { _ = unlinkat(descriptor.rawValue, name, AT_REMOVEDIR) }

    /// Deletes `name` and all below it, without following links. Entries that cannot be deleted are skipped.
    package func removeTree(_ name: String) {
        DurableStep.remove.pass(.before, descriptor, name)
        if unlinkat(descriptor.rawValue, name, 0) == 0 { return }
        if let below = try? directory(name) {
            for child in (try? below.names()) ?? [] { below.removeTree(child) }
        }
        _ = unlinkat(descriptor.rawValue, name, AT_REMOVEDIR)
        DurableStep.remove.pass(.after, descriptor, name)
    }

    /// Bytes on disk of `name` and all below it.
    package func allocated(_ name: String) -> UInt64 {
        guard let own = try? attributes(of: name) else { return 0 }
        guard own.isDirectory, let below = try? directory(name) else { return own.allocated }
        return ((try? below.names()) ?? []).reduce(own.allocated) { $0 + below.allocated($1) }
    }

    /// Bytes that an unprivileged user may still write to this file system.
    package var freeSpace: UInt64 {
        get throws(Errno) {
            var status = statvfs()
            try check(fstatvfs(descriptor.rawValue, &status))
            return UInt64(status.f_bavail) * UInt64(status.f_frsize)
        }
    }

    /// Bytes of the file system, used or free, that unprivileged users may fill.
    package var capacity: UInt64 {
        get throws(Errno) {
            var status = statvfs()
            try check(fstatvfs(descriptor.rawValue, &status))
            let reserved = status.f_bfree - min(status.f_bfree, status.f_bavail)
            return UInt64(status.f_blocks - min(status.f_blocks, reserved)) * UInt64(status.f_frsize)
        }
    }

    private static func descriptor(_ result: Int32) throws(Errno) -> FileDescriptor {
        FileDescriptor(rawValue: try check(result))
    }
}
