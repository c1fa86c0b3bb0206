// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
private import MountProcess
internal import OCI

struct RunCommand: LoggingCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command with a kit mounted.",
        discussion: """
            The mount is in a user and mount namespace of the command's own, where that is allowed: nobody else sees it, \
            and it ends with the last process of the command. Elsewhere it is an ordinary mount that ends with the \
            command. $KITFS_MOUNT says where it is.

              kitfs run registry.example.com/team/model:v1 -- sh -c 'ls $KITFS_MOUNT'
              kitfs run registry.example.com/team/model:v1 --at ~/model -- python3 serve.py

            Exit codes: the command's, 128 and the signal's number if one killed it; 125 if kitfs failed, 126 if the \
            command cannot be executed, 127 if it was not found.
            """)

    @Argument(help: ArgumentHelp("The kit: see `kitfs help mount`.", valueName: "ref"), transform: KitArgument.init)
    var kit: KitArgument

    @Option(
        help: ArgumentHelp(
            "An existing directory to mount it on. [default: one in the runtime directory]", valueName: "dir"))
    var at: String?

    @Flag(help: "Mount it where others see it too, as `kitfs mount` does.")
    var noNamespace = false

    @Option(
        help: ArgumentHelp(
            "How it is shown that the command waits for a layer: none, plain (lines) or fancy (one line, in place). [default: fancy on a terminal, else none]",
            valueName: "how"))
    var progress: PullProgress.Style?

    @OptionGroup var flags: MountFlags
    @OptionGroup var verify: VerifyOptions
    @OptionGroup var parts: FilterOptions
    @OptionGroup var room: RoomOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var source: SourceOptions
    @OptionGroup var log: LogOptions

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("After --: the command and its arguments.", valueName: "cmd"))
    var command: [String] = []

    var options: MountOptions {
        MountOptions(
            flags: flags, verify: verify, parts: parts, room: room, cache: cache, source: source, log: log)
    }

    func validate() throws {
        guard !command.isEmpty || ReadinessPipe.Writer.isChild else {
            throw ValidationError("Say after -- what is to be run: kitfs run REF -- CMD…")
        }
    }

    func run() throws {
        if let mountPoint = RunServer.mountPoint {
            return try RunServer.serve(
                mountPoint, options.configuration(of: kit), observer: WaitNotice(progress))
        }
        let run = RunConfiguration(
            words: command, directory: at, isSeenByAll: noNamespace, inheritedSignals: Kitfs.inheritedSignals)
        if let child = RunChild() {
            child.run(
                run, mounting: kit.reference, allowOther: flags.allowOther, forbidsExecution: flags.noexec,
                report: { Terminal.error($0) })
        }
        let code = try RunSupervisor(run, warn: Terminal.warning).run()
        Glibc.exit(code)
    }
}
