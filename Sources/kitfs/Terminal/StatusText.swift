// SPDX-License-Identifier: Apache-2.0
private import Glibc
internal import MountRecords
private import OCI

/// What `status` prints of mounts, for people.
struct StatusText {
    let mounts: [StatusReport]
    /// Seconds since 1970.
    let now = Int64(time(nil))

    /// Everything there is to say.
    var lines: [String] { mounts.flatMap { heading($0) + details($0) + table($0) } }

    /// What changes while one looks on: a bar for each layer. `columns`: of the terminal.
    func liveLines(columns: Int) -> [String] {
        let layout = ProgressBar.layout(columns: columns)
        return mounts.flatMap { mount in
            let names = mount.layers.map { TableText.middle(TableText.clean("\($0.kind) \($0.path)"), to: layout.name) }
            let width = names.map(TableText.width).max() ?? 0
            let bars = zip(mount.layers, names).map { layer, name in
                let bar = ProgressBar.text(layer.cached, of: layer.size, cells: layout.bar)
                return
                    "  \(TableText.padded(name, to: width))  \(bar) of \(ByteCount.text(layer.size))  \(state(layer))"
            }
            return heading(mount) + bars
        }
    }

    private func heading(_ mount: StatusReport) -> [String] {
        let location = mount.isPrivate ? "\(mount.directory) of a command's own" : mount.directory
        var lines = [TableText.clean("\(location)  \(mount.reference)")]
        if !mount.alive {
            lines.append(TableText.clean("  its process is dead: `kitfs unmount \(mount.directory)`"))
        } else if mount.stopped {
            lines.append("  its process is stopped, and nothing of the mount answers: `kill -CONT \(mount.pid)`")
        }
        return lines
    }

    private func details(_ mount: StatusReport) -> [String] {
        var parts = mount.alive ? ["pid \(mount.pid)"] : []
        parts.append("verify \(mount.verify)")
        if let io = mount.io { parts.append("I/O \(io.mode)\(io.reason.map { " (\($0))" } ?? "")") }
        parts.append("cache \(mount.cache)")
        if let log = mount.log { parts.append("log \(log)") }
        return ["  digest \(mount.digest)", TableText.clean("  " + parts.joined(separator: ", "))]
    }

    private func table(_ mount: StatusReport) -> [String] {
        var table = Table(["  KIND", "PATH", "LAYER", "SIZE", "CACHED", "STATE"])
        for layer in mount.layers {
            table.add([
                "  " + layer.kind, TableText.clean(layer.path), Digest(layer.digest)?.short ?? layer.digest,
                ByteCount.text(layer.size), "\(ByteCount.percent(layer.cached, of: layer.size))%", state(layer),
            ])
        }
        return table.lines
    }

    /// `fetching, 12MiB/s, 30 s left, 3 waiting for 12 s (2 open, 1 read: cat 4711)`.
    private func state(_ layer: StatusReport.Layer) -> String {
        var parts = [layer.state]
        if layer.rate > 0 { parts.append("\(ByteCount.text(layer.rate))/s") }
        if let left = layer.secondsLeft, left > 0 { parts.append("\(Age.text(seconds: left)) left") }
        if layer.waiters > 0 { parts.append(waits(layer)) }
        var text = parts.joined(separator: ", ")
        if let error = layer.error {
            let age = layer.errorTime.map { ", \(Age.text(since: $0))" } ?? ""
            text += "\(layer.state == "failed" ? "" : "; last error")\(age): \(error)"
        }
        return TableText.clean(text)
    }

    private func waits(_ layer: StatusReport.Layer) -> String {
        let since = layer.waits.map(\.since).min() ?? now
        let counts = layer.waits.map { "\($0.count) \($0.operation)" }.joined(separator: ", ")
        var names: [String] = []
        for process in layer.waits.flatMap(\.processes) {
            let name = "\(process.command ?? "?") \(process.pid)"
            if !names.contains(name) { names.append(name) }
        }
        let more = names.count > 3 || layer.waiters > names.count ? ", …" : ""
        let who = names.isEmpty ? "" : ": " + names.prefix(3).joined(separator: ", ") + more
        return "\(layer.waiters) waiting for \(Age.text(seconds: Int(max(0, now - since)))) (\(counts)\(who))"
    }
}
