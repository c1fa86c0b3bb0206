// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
internal import LayerCache
internal import LayerStore
private import MountRecords

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Delete what is cached and not in use.",
        discussion: """
            Layers of live mounts and open files are left alone. Without an option, only leftovers go: what was deleted \
            and is still there, and what fetches of an earlier boot left.
            """)

    @Flag(help: "Delete all that nobody uses.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "Delete layers, the longest unused first, until the rest takes no more than this, as in 10GiB.",
            valueName: "size"))
    var maxSize: ByteSize?

    @Option(help: ArgumentHelp("Delete layers that were not used for so long, as in 7d or 12h.", valueName: "age"))
    var olderThan: Age?

    @Flag(help: "Delete nothing; say what would be.")
    var dryRun = false

    @OptionGroup var cache: CacheOptions

    func validate() throws {
        guard [all, maxSize != nil, olderThan != nil].filter({ $0 }).count <= 1 else {
            throw ValidationError("Give one of --all, --max-size and --older-than.")
        }
    }

    private var goal: CacheDirectory.PruneGoal {
        if all { return .all }
        if let maxSize { return .maxSize(maxSize.bytes) }
        if let olderThan { return .unusedSince(Int64(time(nil)) - olderThan.seconds) }
        return .leftovers
    }

    func run() throws {
        do {
            let directory = try cache.look()
            let pruned = try directory?.prune(goal, dryRun: dryRun) ?? CacheDirectory.Pruned()
            let kept = pruned.kept == 0 ? "" : ", \(pruned.kept) in use and kept"
            let would = dryRun ? "would be " : ""
            Terminal.out(
                "\(Self.layers(pruned.layers)) \(would)deleted, \(ByteCount.text(pruned.freed)) \(would)freed\(kept)\n")
            if goal == .leftovers, let rest = try directory?.prune(.all, dryRun: true), rest.layers > 0 {
                Terminal.out(
                    "--all would delete \(Self.layers(rest.layers)) and free \(ByteCount.text(rest.freed))\n")
            }
        } catch {
            throw CommandFailure(error, "cache")
        }
    }

    private static func layers(_ count: Int) -> String { count == 1 ? "1 layer" : "\(count) layers" }
}
