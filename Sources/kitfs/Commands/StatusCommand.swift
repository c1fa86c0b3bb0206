// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
private import HostSystem
private import MountRecords

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show live mounts and what their layers are at.",
        discussion: """
            Of each mount the reference, digest, process, and how large files are read (I/O); of each layer how much is \
            cached, how fast it comes, how long it takes yet, who waits for it, and what went wrong last. Reads records, \
            never the mounts themselves: it answers when one of them hangs.
            """)

    @Argument(help: ArgumentHelp("Only the mount on this directory.", valueName: "dir"))
    var directory: String?

    @Flag(help: "Print JSON; with --watch, a line each time.")
    var json = false

    @Flag(name: [.customShort("w"), .long], help: "Go on showing it, in place on a terminal, until Ctrl-C.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch: the time from one look to the next.", valueName: "seconds"))
    var interval = 1.0

    func validate() throws {
        guard (0.1...86_400).contains(interval) else { throw ValidationError("--interval takes 0.1 to 86400 seconds.") }
    }

    func run() throws {
        let wanted = directory.map(MountTable.canonical)
        let mounts = StatusReport.all(on: wanted)
        if wanted != nil, mounts.isEmpty {
            throw CommandFailure(.mountPoint, "\(directory ?? ""): no kit is mounted there")
        }
        if watch {
            if let signal = try StatusWatch(directory: wanted, json: json, interval: interval).run() {
                Glibc.exit(128 + signal)
            }
        } else if json {
            try Terminal.out(json: mounts)
        } else {
            Terminal.out(StatusText(mounts: mounts).lines.map { $0 + "\n" }.joined())
        }
    }
}
