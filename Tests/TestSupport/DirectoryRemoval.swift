// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Deletes directories recursively by descriptors, so that no name on the way can lead elsewhere.
enum DirectoryRemoval {
    /// - Parameters:
    ///   - path: absolute path of the directory to delete with all its contents.
    ///   - mounts: absolute paths that must not be entered. A bind mount may have the same device number as its
    ///     surroundings, so comparing device numbers, which is done as well, does not suffice.
    static func remove(_ path: String, stayingOutOf mounts: Set<[UInt8]>) throws {
        var failure: TestSupportError?
        let bytes = Array(path.utf8)
        var status = stat()
        try systemCall("lstat \(path)") { lstat(path, &status) }
        if !mounts.contains(bytes) {
            empty(AT_FDCWD, bytes, at: bytes, device: status.st_dev, mounts: mounts, failure: &failure)
        }
        if rmdir(path) != 0, failure == nil { failure = .system("rmdir \(path)") }
        if let failure { throw failure }
    }

    /// Deletes the content of the directory `name` in the open directory `parent`.
    private static func empty(
        _ parent: Int32, _ name: [UInt8], at path: [UInt8], device: dev_t, mounts: Set<[UInt8]>,
        failure: inout TestSupportError?
    ) {
        func fail(_ what: String, _ path: [UInt8]) {
            if failure == nil { failure = .system("\(what) \(String(decoding: path, as: UTF8.self))") }
        }
        let name = name.map { CChar(bitPattern: $0) } + [0]
        // The caller knows that this is a directory and not a link. Root needs no permission, other users do.
        _ = fchmodat(parent, name, 0o700, 0)
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return fail("open", path) }
        guard let stream = fdopendir(descriptor) else {
            fail("open", path)
            close(descriptor)
            return
        }
        defer { closedir(stream) }
        guard let children = try? DirectoryListing.names(stream) else { return fail("readdir", path) }
        for child in children {
            let childName = child.map { CChar(bitPattern: $0) } + [0]
            let childPath = path + [UInt8(ascii: "/")] + child
            var status = stat()
            guard fstatat(descriptor, childName, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                fail("lstat", childPath)
                continue
            }
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            if isDirectory {
                guard status.st_dev == device, !mounts.contains(childPath) else {
                    errno = EBUSY
                    fail("still mounted:", childPath)
                    continue
                }
                empty(descriptor, child, at: childPath, device: device, mounts: mounts, failure: &failure)
            }
            if unlinkat(descriptor, childName, isDirectory ? AT_REMOVEDIR : 0) != 0 { fail("delete", childPath) }
        }
    }
}
