// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A directory of the test's own, /tmp/kitfs-test.XXXXXX. The object's release removes it, also after a failed test and
/// when something is still mounted inside.
public final class TemporaryDirectory: Sendable {
    /// Absolute, without symbolic links and without a trailing slash.
    public let path: String
    private let isRemoved = Mutex(false)

    public init() throws {
        var template = Array("/tmp/kitfs-test.XXXXXX".utf8CString)
        let made = try template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, mkdtemp(base) != nil else { throw TestSupportError.system("mkdtemp") }
            return String(cString: base)
        }
        // /tmp may be a symbolic link, and mountinfo has resolved paths only.
        guard let resolved = realpath(made, nil) else { throw TestSupportError.system("realpath \(made)") }
        defer { free(resolved) }
        path = String(cString: resolved)
    }

    deinit {
        // The process of a mount that was just unmounted may still be writing to its cache.
        try? eventually(within: 3, "\(path) is removed") { (try? remove()) != nil }
    }

    /// Makes a directory and its missing ancestors, with mode 0755.
    ///
    /// - Parameter name: relative to ``path``; may have several components.
    /// - Returns: its absolute path.
    public func subdirectory(_ name: String) throws -> String {
        var current = path
        for component in name.split(separator: "/") {
            current += "/" + component
            if mkdir(current, 0o755) != 0, errno != EEXIST { throw TestSupportError.system("mkdir \(current)") }
        }
        return current
    }

    /// Unmounts lazily all mounts below, and then deletes everything, whatever its mode. It does not follow symbolic
    /// links, nor enter a mount that could not be unmounted. A second call does nothing.
    ///
    /// - Throws: names the first file that could not be deleted. The others are deleted all the same.
    public func remove() throws {
        guard isRemoved.withLock({ $0 }) == false else { return }
        try MountTable.unmountAll(below: path)
        try DirectoryRemoval.remove(path, stayingOutOf: Set(try MountTable.mountPoints(below: path)))
        isRemoved.withLock { $0 = true }
    }
}
