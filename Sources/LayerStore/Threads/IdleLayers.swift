// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import Synchronization
internal import LayerCache
internal import Threading

/// Keeps layers open for a moment after their last file was closed. A walk over small files opens and closes one at a
/// time, and would otherwise open, lock, unlock and close the layer for each.
final class IdleLayers: IdleLayerKeeper {
    static let shared = IdleLayers()

    private struct Entry: Sendable {
        weak var layer: OpenLayer?
        /// The layer's close count when it was last checked.
        var closes: UInt64?
    }

    private let entries = Mutex<(list: [Entry], isRunning: Bool)>(([], false))
    /// Microseconds between checks. A layer is released after one to two of these intervals.
    private static let interval: UInt32 = 100_000

    /// Adds a layer whose last file was closed, to be released soon.
    func add(_ layer: OpenLayer) {
        let mustStart = entries.withLock { entries in
            entries.list.append(Entry(layer: layer))
            defer { entries.isRunning = true }
            return !entries.isRunning
        }
        if mustStart { BackgroundThread.start { self.run() } }
    }

    /// Releases all layers at once: space is needed.
    func releaseAll() {
        let list = entries.withLock { entries in
            defer { entries.list = [] }
            return entries.list
        }
        for entry in list { _ = entry.layer?.releaseIfIdle(since: nil) }
    }

    private func run() {
        repeat { usleep(Self.interval) } while look()
    }

    /// Returns false once no layer is left.
    private func look() -> Bool {
        let list = entries.withLock { entries in
            defer { entries.list = [] }
            return entries.list
        }
        let left = list.compactMap { entry -> Entry? in
            guard let layer = entry.layer, let closes = layer.releaseIfIdle(since: entry.closes ?? .max) else {
                return nil
            }
            return Entry(layer: layer, closes: closes)
        }
        return entries.withLock { entries in
            entries.list.append(contentsOf: left)
            entries.isRunning = !entries.list.isEmpty
            return entries.isRunning
        }
    }
}
