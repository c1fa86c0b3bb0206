// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// How a kit is mounted: of `mount` and `run`.
struct MountOptions: ParsableArguments {
    @Flag(help: "Let other users read the mount. For others than root, /etc/fuse.conf must have user_allow_other.")
    var allowOther = false

    @Option(help: ArgumentHelp("Show files as owned by this user. [default: who mounts]", valueName: "uid"))
    var uid: UInt32?

    @Option(help: ArgumentHelp("Show files as owned by this group. [default: who mounts]", valueName: "gid"))
    var gid: UInt32?

    @Option(
        help: ArgumentHelp(
            "Give all files and directories the permissions that are left by this mask, in octal. [default: as packed]",
            valueName: "mask"))
    var umask: PermissionMask?

    @Flag(help: "Let no program in it be run.")
    var noexec = false

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
}

/// Permission bits that are taken away: octal, as of umask(1).
struct PermissionMask: ExpressibleByArgument {
    let bits: UInt16

    init?(argument: String) {
        guard let bits = UInt16(argument, radix: 8), bits <= 0o777, !argument.hasPrefix("+") else { return nil }
        self.bits = bits
    }
}
