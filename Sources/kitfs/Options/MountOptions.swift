// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// How a kit is mounted: of `mount` and `run`, each of which has these groups of options as its own.
///
/// Not a group of groups: ArgumentParser makes and checks those anew so often that a debug build took 250 ms for it.
@dynamicMemberLookup
struct MountOptions {
    let flags: MountFlags
    let verify: VerifyOptions
    let parts: FilterOptions
    let room: RoomOptions
    let cache: CacheOptions
    let source: SourceOptions
    let log: LogOptions

    subscript<Value>(dynamicMember path: KeyPath<MountFlags, Value>) -> Value { flags[keyPath: path] }
}

/// What `mount` and `run` alone have.
struct MountFlags: ParsableArguments {
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
}

/// Permission bits that are taken away: octal, as of umask(1).
struct PermissionMask: ExpressibleByArgument {
    let bits: UInt16

    init?(argument: String) {
        guard let bits = UInt16(argument, radix: 8), bits <= 0o777, !argument.hasPrefix("+") else { return nil }
        self.bits = bits
    }
}
