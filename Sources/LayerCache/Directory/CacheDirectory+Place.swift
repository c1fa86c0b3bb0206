// SPDX-License-Identifier: Apache-2.0

internal import DurableFiles

extension CacheDirectory {
    /// The type of the file system of another machine that a directory is on, where no cache can be that is written to;
    /// nil for a local one.
    public static func networkFileSystem(of directory: String) -> String? {
        (try? DirectoryHandle.open(directory)).flatMap { NetworkFileSystem.name(of: $0) }
    }
}
