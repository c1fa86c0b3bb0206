// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import Synchronization
internal import LayerCache
internal import Threading

/// Layers whose last file was closed a moment ago. They stay open for another moment: whoever walks over small files
/// opens and closes one at a time, and would open, lock, unlock and close the layer with each.
final class IdleLayers: IdleLayerKeeper {
    static let shared = IdleLayers()

    private struct Entry: Sendable {
        weak var layer: OpenLayer?
        /// How often it had been closed when it was last looked at.
        var closes: UInt64?
    }

    private let entries = Mutex<(list: [Entry], isRunning: Bool)>(([], false))
    /// A layer is let go of after one to two of these.
    private static let interval: UInt32 = 100_000

    /// Notes a layer that has no open file any more, and lets go of it soon.
    func add(_ layer: OpenLayer) {
        let mustStart = entries.withLock { entries in
            entries.list.append(Entry(layer: layer))
            defer { entries.isRunning = true }
            return !entries.isRunning
        }
        if mustStart { BackgroundThread.start { self.run() } }
    }

    /// Lets go of all at once: somebody needs room.
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

    /// False once there are none.
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
