// SPDX-License-Identifier: Apache-2.0

internal import DurableFiles

extension CacheDirectory {
    /// The type of the network file system that a directory is on; nil for a local one. A cache with several writers
    /// cannot be on a network file system.
    public static func networkFileSystem(of directory: String) -> String? {
        (try? DirectoryHandle.open(directory)).flatMap { NetworkFileSystem.name(of: $0) }
    }
}
