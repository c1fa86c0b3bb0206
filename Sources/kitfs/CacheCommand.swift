// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import LayerStore
internal import OCI

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "List and empty the cache.",
        subcommands: [CacheListCommand.self, CachePruneCommand.self])
}

struct CacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the layers in the cache.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var cache: CacheOptions

    struct Row: Encodable {
        let digest: String
        let form: String
        let size: UInt64
        let cached: UInt64
        let onDisk: UInt64
        let whole: Bool
        let inUse: Bool
    }

    func run() throws {
        do {
            let rows = try (cache.look()?.storedLayers() ?? []).map { layer in
                Row(
                    digest: layer.key.digest.description, form: layer.key.form.description, size: layer.blobSize,
                    cached: layer.cached, onDisk: layer.allocated, whole: layer.isWhole, inUse: layer.isInUse)
            }
            if json {
                try Terminal.out(json: rows)
                return
            }
            var table = Table(["LAYER", "FORM", "SIZE", "CACHED", "ON DISK", "IN USE"])
            for row in rows {
                table.add([
                    row.digest, row.form, ByteCount.text(row.size), row.whole ? "whole" : ByteCount.text(row.cached),
                    ByteCount.text(row.onDisk), row.inUse ? "yes" : "no",
                ])
            }
            Terminal.out(table.text)
        } catch {
            throw CommandFailure(error, "cache")
        }
    }
}

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Delete what is cached and not in use.",
        discussion: "Layers of live mounts and open files are left alone.")

    @Flag(help: "Delete all that nobody uses.")
    var all = false

    @OptionGroup var cache: CacheOptions

    func validate() throws {
        guard all else { throw ValidationError("Say --all: this version has no other way to choose what goes.") }
    }

    func run() throws {
        do {
            let pruned = try cache.look()?.pruneAll() ?? CacheDirectory.Pruned()
            let kept = pruned.kept == 0 ? "" : ", \(pruned.kept) in use and kept"
            Terminal.out("\(pruned.layers) layers deleted, \(ByteCount.text(pruned.freed)) freed\(kept)\n")
        } catch {
            throw CommandFailure(error, "cache")
        }
    }
}
