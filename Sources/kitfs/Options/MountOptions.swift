// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import ModelKit
internal import MountProcess

/// How a kit is mounted: of `mount` and `run`, each of which has these groups of options as its own.
///
/// Not a group of groups: ArgumentParser makes and checks those anew so often that a debug build took 250 ms for it.
struct MountOptions {
    let flags: MountFlags
    let verify: VerifyOptions
    let parts: FilterOptions
    let room: RoomOptions
    let cache: CacheOptions
    let source: SourceOptions
    let log: LogOptions

    /// What the options come to. Throws `CommandFailure` or `KitFilter.ParseError` where they make no sense together.
    func configuration(of kit: KitArgument) throws -> MountConfiguration {
        let sink = LogSink()
        var configuration = MountConfiguration(
            reference: kit.reference, name: kit.text, access: source.access, caches: try cache.locations,
            log: MountLog(
                logger: log.logger(sink), redirect: { sink.redirect(to: $0) }, warn: { Terminal.warning($0) },
                file: flags.logFile),
            version: Kitfs.version)
        configuration.filters = try parts.filters
        configuration.prefetch = try flags.prefetch.map { ($0, try KitFilter(parsing: $0)) }
        configuration.verify = try verify.policy
        configuration.verifyText = verify.description
        configuration.cacheLimit = room.cacheLimit?.bytes
        configuration.allowOther = flags.allowOther
        configuration.forbidsExecution = flags.noexec
        configuration.passthrough = flags.passthrough
        configuration.owner = flags.uid
        configuration.group = flags.gid
        configuration.umask = flags.umask?.bits
        return configuration
    }
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
