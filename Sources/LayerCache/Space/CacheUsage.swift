// SPDX-License-Identifier: Apache-2.0
internal import DurableFiles
internal import LayerIndex

/// Bytes on disk of all layers of a cache, without measuring each layer each time.
///
/// A whole layer is never written again, so its size is measured once and remembered by its name. Partial layers are
/// few, and are measured each time.
struct CacheUsage: Sendable {
    private var whole: [String: UInt64] = [:]

    /// Throws `StoreError.cache` if the cache cannot be read.
    mutating func bytes(_ cache: CacheDirectory) throws(StoreError) -> UInt64 {
        do {
            var known: [String: UInt64] = [:]
            var total: UInt64 = 0
            for name in try cache.layers.names() {
                let size = whole[name] ?? cache.layers.allocated(name)
                known[name] = size
                total += size
            }
            whole = known
            for name in try cache.partial.names() where LayerKey(name) != nil { total += cache.partial.allocated(name) }
            return total
        } catch {
            throw .cache("the cache \(cache.path) cannot be read: \(error)")
        }
    }
}
