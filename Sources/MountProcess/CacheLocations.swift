// SPDX-License-Identifier: Apache-2.0
package import LayerCache
private import Glibc
internal import LayerStore

/// Where caches are.
package struct CacheLocations: Sendable {
    /// The one that is written to.
    package let path: String
    /// Those that are only read and must be there.
    package let shared: [String]
    /// The machine's own, which is read where that is allowed.
    package let common: String

    package init(path: String, shared: [String], common: String) {
        self.path = path
        self.shared = shared
        self.common = common
    }

    /// Opens the cache for one who writes to it. What is in it is for all who may enter it, whatever the umask.
    /// Throws `StoreError`.
    package func open(_ access: CacheDirectory.Access = .use) throws -> CacheDirectory {
        umask(0o022)
        return try CacheDirectory(path: path, access)
    }

    /// Opens those that are only read, besides `own`. Throws `StoreError` if one that was named is no cache.
    package func openShared(besides own: CacheDirectory) throws -> [CacheDirectory] {
        var caches = try shared.map { try CacheDirectory(path: $0, .look) }
        // Nobody asked for the machine's own cache: one that is absent or unreadable is no failure.
        if own.path != common, !shared.contains(common), let cache = try? CacheDirectory(path: common, .look) {
            caches.append(cache)
        }
        return caches
    }
}
