// SPDX-License-Identifier: Apache-2.0
internal import LayerStore
private import Synchronization
private import Threading

/// Looking at caches, which may be on a file system that hangs, or below a mount of ours that does: then what the mounts say
/// of themselves is all there is.
enum CacheLook {
    private static let patience = 500  // milliseconds
    /// Caches of which an earlier look has not come back.
    private static let hanging = Mutex<Set<String>>([])

    static func layers(of found: FoundRecord) -> [StatusReport.Layer]? {
        let path = found.record.cache
        guard hanging.withLock({ $0.insert(path).inserted }) else { return nil }
        return BackgroundThread.result(within: patience) {
            defer { hanging.withLock { _ = $0.remove(path) } }
            return StatusReport.Layer.all(of: found, try? CacheDirectory(path: path, .look))
        }
    }
}
