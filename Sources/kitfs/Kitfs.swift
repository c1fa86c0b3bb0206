// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc

/// The command. One file for each subcommand; here, how they are found and what they end with.
@main
struct Kitfs: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "kitfs",
        abstract: "Mounts a ModelKit as a directory, fetching only what is read.",
        discussion: """
            REF names a kit: HOST[:PORT]/REPO[:TAG][@DIGEST] in a registry, NAME[:TAG] in kit's local store, \
            or oci:DIR[:TAG] for an OCI image layout.

              kitfs mount registry.example.com/team/model:v1 ~/model
              ls ~/model
              kitfs unmount ~/model

            Exit codes: 0 done, 1 failed, 2 usage, 3 reference not found, 4 not authorised, 5 registry unreachable, \
            6 not a ModelKit or unusable content, 7 mount point busy or unusable.
            """,
        version: version,
        subcommands: [
            MountCommand.self, RunCommand.self, UnmountCommand.self, StatusCommand.self, PullCommand.self,
            ListCommand.self, InspectCommand.self, CacheCommand.self,
        ])

    static let inheritedSignals = InheritedSignals.takeOver()

    static func main() {
        _ = inheritedSignals
        // Started with standard streams closed, the next files would take their numbers.
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            guard (0...STDERR_FILENO).contains(descriptor) else {
                if descriptor >= 0 { close(descriptor) }
                break
            }
        }
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            Terminal.error(failure.message)
            Glibc.exit(ownCode(failure.code))
        } catch {
            let code = exitCode(for: error)
            guard code == .success else {
                // Usage, or a bug: whatever the parser says of it.
                Terminal.error(fullMessage(for: error), isBare: true)
                Glibc.exit(ownCode(code == .validationFailure ? .usage : .failed))
            }
            Terminal.out(fullMessage(for: error) + "\n")
        }
    }

    /// Of `run`, other codes are its command's.
    private static func ownCode(_ code: CommandFailure.Code) -> Int32 {
        CommandLine.arguments.dropFirst().first == "run" ? RunCommand.failureCode : code.rawValue
    }
}
