// SPDX-License-Identifier: Apache-2.0
internal import LayerCache
internal import LayerStore
private import Synchronization
private import Threading

/// Looks at caches within a time limit. A cache may be on a file system that hangs; `status` then shows what the mounts
/// report.
enum CacheLook {
    private static let patience = 500  // milliseconds
    /// Caches of which an earlier look has not come back.
    private static let hanging = Mutex<Set<String>>([])

    static func layers(of found: FoundRecord) -> [StatusReport.Layer]? {
        let path = found.record.cache
        guard hanging.withLock({ $0.insert(path).inserted }) else { return nil }
        return BackgroundThread.result(within: patience) {
            defer { hanging.withLock { _ = $0.remove(path) } }
            // Of a cache that cannot be opened, what the mount reports is shown.
            return StatusReport.Layer.all(of: found, try? CacheDirectory(path: path, .look))
        }
    }
}
