// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import MountProcess
internal import OCI

struct MountCommand: LoggingCommand {
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
            valueName: "ref"), transform: KitArgument.init)
    var kit: KitArgument

    @Argument(help: ArgumentHelp("An existing directory.", valueName: "dir"))
    var directory: String

    @Flag(name: [.customShort("f"), .long], help: "Stay in the foreground until the mount ends; log to stderr.")
    var foreground = false

    @Option(
        name: .customShort("o"),
        help: ArgumentHelp(
            "Options as in fstab, with commas between them: allow_other,cache=/data/kitfs. May be repeated.",
            valueName: "options"))
    var fstabOptions: [String] = []

    @Option(
        help: ArgumentHelp(
            "Take options from this settings file, and where none is given the kit and the directory: ref = \"…\", dir = \"…\".",
            valueName: "file"))
    var config: String?

    @OptionGroup var flags: MountFlags
    @OptionGroup var verify: VerifyOptions
    @OptionGroup var parts: FilterOptions
    @OptionGroup var room: RoomOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var log: LogOptions

    var options: MountOptions {
        MountOptions(
            flags: flags, verify: verify, parts: parts, room: room, cache: cache, source: source, log: log)
    }

    func run() throws {
        let mountPoint = MountPoint(directory)
        try mountPoint.check()
        // The parent holds the lock then.
        if ReadinessPipe.Writer.isChild {
            return try MountProcess.serve(mountPoint, options.configuration(of: kit))
        }
        let lock = try MountLock(mountPoint)
        try mountPoint.check()
        if foreground {
            try MountProcess.serve(mountPoint, options.configuration(of: kit))
        } else {
            try BackgroundMount.start()
        }
        _ = consume lock
    }
}
