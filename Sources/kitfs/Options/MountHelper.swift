// SPDX-License-Identifier: Apache-2.0
private import MountRecords

/// `mount -t kitfs REF DIR -o …` and fstab: mount(8) runs /sbin/mount.kitfs, which is this program under that name. See
/// "EXTERNAL HELPERS" in mount(8).
enum MountHelper {
    /// mount(8)'s code for a mount that failed.
    static let failureCode: Int32 = 32

    static var isMeant: Bool { CommandLine.arguments.first?.split(separator: "/").last == "mount.kitfs" }

    /// The same as a command line of ours; nil if nothing is to be done: `-f` only tries.
    static func arguments(_ words: [String]) throws -> [String]? {
        var positionals: [String] = []
        var options: [String] = []
        var isSloppy = false
        var isFake = false
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "-o": options.append(rest.popFirst() ?? "")
            case "-t": _ = rest.popFirst()
            case "-N": throw CommandFailure(.usage, "-N: another namespace cannot be mounted in")
            case _ where word.hasPrefix("-") && word.count > 1 && word.dropFirst().allSatisfy { "sfnvrw".contains($0) }:
                isSloppy = isSloppy || word.contains("s")
                isFake = isFake || word.contains("f")
            case _ where word.hasPrefix("-"): throw CommandFailure(.usage, "\(word): there is no such option")
            default: positionals.append(word)
            }
        }
        guard positionals.count == 2 else {
            throw CommandFailure(.usage, "usage: mount.kitfs REF DIR [-sfnv] [-o OPTION[,OPTION]…]")
        }
        guard let command = try CommandCatalog.ofKitfs().command(table: "mount") else { return nil }
        let items = try options.flatMap { try MountTypeOptions.items($0, command, isSloppy: isSloppy) }
        return isFake ? nil : ["mount"] + items.flatMap(CommandLineScan.words) + positionals
    }
}
