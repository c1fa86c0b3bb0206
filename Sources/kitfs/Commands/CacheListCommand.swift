// SPDX-License-Identifier: Apache-2.0
internal import LayerIndex
internal import LayerCache
internal import ArgumentParser
private import Glibc
private import LayerStore
internal import MountRecords
internal import OCI

struct CacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the layers in the cache.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var cache: CacheOptions

    struct Row: Encodable {
        let digest: String
        let form: String
        /// What part of a kit it was seen as.
        let kind: String?
        /// Kits that it was seen in.
        let kits: [String]
        let size: UInt64
        let cached: UInt64
        let onDisk: UInt64
        let whole: Bool
        /// When a file of it was last opened, to a minute; seconds since 1970.
        let lastUse: Int64
        let inUse: Bool
        /// Where live mounts that list it are mounted.
        let mounts: [String]
    }

    func run() throws {
        do {
            let directory = try cache.look()
            let mounts = FoundRecord.all().filter(\.isAlive).map(\.record)
            let rows = try (directory?.storedLayers() ?? []).map { layer in
                let seen = directory?.sightings(of: layer.key) ?? []
                return Row(
                    digest: layer.key.digest.description, form: layer.key.form.description, kind: seen.first?.kind,
                    kits: seen.map(\.kit), size: layer.blobSize, cached: layer.cached, onDisk: layer.allocated,
                    whole: layer.isWhole, lastUse: layer.lastUse, inUse: layer.isInUse,
                    mounts: mounts.filter { Self.lists($0, layer.key, in: directory) }.map(\.directory))
            }
            if json { return try Terminal.out(json: rows) }
            var table = Table(["LAYER", "FORM", "KIND", "SIZE", "CACHED", "ON DISK", "LAST USE", "IN USE", "KITS"])
            for row in rows {
                table.add([
                    Digest(row.digest)?.short ?? row.digest, row.form, row.kind ?? "-", ByteCount.text(row.size),
                    row.whole ? "whole" : "\(ByteCount.percent(row.cached, of: row.size))%", ByteCount.text(row.onDisk),
                    Age.text(since: row.lastUse),
                    row.mounts.isEmpty ? row.inUse ? "yes" : "no" : row.mounts.joined(separator: " "),
                    row.kits.joined(separator: " "),
                ])
            }
            Terminal.out(table.text)
        } catch {
            throw CommandFailure(error, "cache")
        }
    }

    private static func lists(_ record: MountRecord, _ key: LayerKey, in directory: CacheDirectory?) -> Bool {
        record.cache == directory?.path
            && record.layers.contains { $0.digest == key.digest.description && $0.form == key.form.description }
    }
}
