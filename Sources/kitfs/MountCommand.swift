// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
internal import KitFileSystem
internal import OCI

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount a kit on a directory.",
        discussion: """
            Returns when the mount is usable, or fails with the reason. Only the manifest and the Kitfile are fetched; \
            a layer is fetched when the first file in it is opened, as a whole and verified unless --verify says \
            otherwise, and kept in the cache.

              kitfs mount localhost:5000/team/model:v1 ~/model
              kitfs mount oci:./layout:v1 /mnt/model
            """)

    @Argument(
        help: ArgumentHelp(
            "The kit: HOST[:PORT]/REPO[:TAG][@DIGEST], NAME[:TAG] of kit's local store, or oci:DIR[:TAG].",
            valueName: "ref"))
    var reference: String

    @Argument(help: ArgumentHelp("An existing directory.", valueName: "dir"))
    var directory: String

    @Flag(name: [.customShort("f"), .long], help: "Stay in the foreground until the mount ends; log to stderr.")
    var foreground = false

    @Flag(help: "Let other users read the mount. For others than root, /etc/fuse.conf must have user_allow_other.")
    var allowOther = false

    @Option(help: ArgumentHelp("Show files as owned by this user. [default: who mounts]", valueName: "uid"))
    var uid: UInt32?

    @Option(help: ArgumentHelp("Show files as owned by this group. [default: who mounts]", valueName: "gid"))
    var gid: UInt32?

    @Option(
        help: ArgumentHelp(
            "Log to this file. [default: in the background, a file in the runtime directory; status names it]",
            valueName: "file"))
    var logFile: String?

    @Option(
        help: ArgumentHelp(
            "Fetch these parts in the background, as soon as it is mounted (see --filter). May be repeated.",
            valueName: "filter"))
    var prefetch: [String] = []

    @Option(
        help: ArgumentHelp("Whether the kernel reads large cached files itself, where it can.", valueName: "true|false")
    )
    var passthrough = true

    @OptionGroup var verify: VerifyOptions
    @OptionGroup var parts: FilterOptions
    @OptionGroup var room: RoomOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var log: LogOptions

    func run() throws {
        try checkDirectory()
        guard foreground || ReadyWord.isChild else { return try BackgroundMount.start() }
        let word = ReadyWord(keeping: directory.hasPrefix("/dev/fd/") ? Int32(directory.dropFirst(8)) : nil)
        do {
            try MountProcess(self, word).run()
        } catch {
            let failure = CommandFailure(error, reference)
            if word.fail(failure) { Glibc.exit(failure.code.rawValue) }
            throw failure
        }
    }

    /// Before anything is fetched, and without touching what may be mounted there.
    private func checkDirectory() throws {
        if directory.hasPrefix("/dev/fd/") { return }
        let path = MountTable.canonical(directory)
        if let mounted = MountTable.current().entry(at: path), mounted.isKitfs {
            throw CommandFailure(
                .mountPoint, "\(directory): \(mounted.source) is mounted there; `kitfs unmount \(directory)` ends that")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(.mountPoint, "\(directory): \(reason); make it with `mkdir -p \(directory)`")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(.mountPoint, "\(directory): not a directory")
        }
    }
}
