// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import LayerStore
internal import OCI

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show live mounts and what their layers are at.",
        discussion: "Reads records, never the mounts themselves: it answers when one of them hangs.")

    @Argument(help: ArgumentHelp("Only the mount on this directory.", valueName: "dir"))
    var directory: String?

    @Flag(help: "Print JSON.")
    var json = false

    struct Mount: Encodable {
        let reference: String
        let digest: String
        let directory: String
        let pid: Int32
        let alive: Bool
        let verify: String
        let cache: String
        let log: String?
        let layers: [Layer]
    }

    struct Layer: Encodable {
        let kind: String
        let path: String
        let name: String?
        let digest: String
        let size: UInt64
        let cached: UInt64
        let state: String
        let error: String?
        /// How many lookups, opens and reads wait for it.
        let waiters: Int
    }

    func run() throws {
        let wanted = directory.map(MountTable.canonical)
        let mounts = FoundRecord.all().filter { wanted == nil || $0.record.directory == wanted }.map(Self.describe)
        if wanted != nil, mounts.isEmpty {
            throw CommandFailure(.mountPoint, "\(directory ?? ""): no kit is mounted there")
        }
        if json {
            try Terminal.out(json: mounts)
        } else {
            for mount in mounts { Self.show(mount) }
        }
    }

    private static func describe(_ found: FoundRecord) -> Mount {
        let record = found.record
        // Only our own cache: another's could be anything, and root would follow it.
        let cache = found.isOwn ? try? CacheDirectory(path: record.cache, .look) : nil
        let layers = record.layers.enumerated().map { place, layer in
            let activity = found.isAlive ? found.activity[place] : nil
            var state = activity?.stage ?? "unknown"
            var cached = activity?.cached ?? 0
            if activity == nil || activity?.stage == "failed", let cache, let digest = Digest(layer.digest),
                let form = LayerForm(layer.form)
            {
                let stored = cache.status(LayerKey(digest: digest, form: form), blobSize: layer.size)
                cached = stored.cached
                if activity == nil { state = stored.stage.rawValue }
            }
            return Layer(
                kind: layer.kind, path: layer.path, name: layer.name, digest: layer.digest, size: layer.size,
                cached: cached, state: state, error: activity?.error, waiters: activity?.waiters ?? 0)
        }
        return Mount(
            reference: record.reference, digest: record.digest, directory: record.directory, pid: record.pid,
            alive: found.isAlive, verify: record.verify, cache: record.cache, log: record.log, layers: layers)
    }

    private static func show(_ mount: Mount) {
        Terminal.out("\(mount.directory)  \(mount.reference)\n")
        Terminal.out("  digest \(mount.digest)\n")
        let process = mount.alive ? "pid \(mount.pid)" : "its process is dead: `kitfs unmount \(mount.directory)`"
        Terminal.out(
            "  \(process), verify \(mount.verify), cache \(mount.cache)\(mount.log.map { ", log \($0)" } ?? "")\n")
        var table = Table(["  KIND", "PATH", "LAYER", "SIZE", "CACHED", "STATE"])
        for layer in mount.layers {
            let share = ByteCount.percent(layer.cached, of: layer.size)
            let layerDigest = Digest(layer.digest)?.short ?? layer.digest
            table.add([
                "  " + layer.kind, layer.path, layerDigest, ByteCount.text(layer.size), "\(share)%",
                layer.state + (layer.waiters > 0 ? ", \(layer.waiters) waiting" : "")
                    + (layer.error.map { ": \($0)" } ?? ""),
            ])
        }
        Terminal.out(table.text)
    }
}
