// SPDX-License-Identifier: Apache-2.0
internal import KitFileSystem
private import Glibc
internal import LayerCache
private import LayerStore
private import ModelKit
private import MountRecords
private import OCI
private import Threading

/// Reports a mount's activity to systemd, for `systemctl status`.
enum ServiceStatus {
    private static let interval: useconds_t = 2_000_000

    /// `idle`: the text while nothing waits.
    static func follow(_ tree: KitFileSystem, idle: String) {
        guard ServiceManager.listens else { return }
        BackgroundThread.start {
            var last = idle
            while true {
                usleep(interval)
                let text = text(tree) ?? idle
                if text != last { ServiceManager.notify("STATUS=\(text)") }
                last = text
            }
        }
    }

    private static func text(_ tree: KitFileSystem) -> String? {
        let awaited = tree.mountedLayers.compactMap { declared, layer, _ -> String? in
            guard let activity = layer.activity, activity.waiters > 0 else { return nil }
            let share = ByteCount.percent(activity.cached, of: layer.descriptor.size)
            return "\(activity.waiters) waiting for \(declared.kind.rawValue) \(declared.path): \(share)%"
        }
        guard let first = awaited.first else { return nil }
        return awaited.count == 1 ? first : "\(first); and \(awaited.count - 1) layers more"
    }
}
