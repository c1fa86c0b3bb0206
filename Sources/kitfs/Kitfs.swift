// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc
private import KitMount
internal import MountProcess
internal import MountRecords
private import Synchronization

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
        version: "kitfs \(version)\n\(KernelFeatures.version)",
        subcommands: [
            MountCommand.self, RunCommand.self, UnmountCommand.self, StatusCommand.self, PullCommand.self,
            ListCommand.self, InspectCommand.self, CacheCommand.self, DoctorCommand.self,
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
            guard let arguments = try arguments() else { return }
            var command = try parsed(arguments)
            if (command as? any LoggingCommand)?.log.logFormat == .json {
                Terminal.errorsAreJSON.store(true, ordering: .relaxed)
            }
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

    /// nil if there is nothing to be done.
    private static func arguments() throws -> [String]? {
        let words = Array(CommandLine.arguments.dropFirst())
        return MountHelper.isMeant ? try MountHelper.arguments(words) : words
    }

    /// With what settings files add. What they have wrong is told with its place.
    private static func parsed(_ arguments: [String]) throws -> any ParsableCommand {
        let settings = try Settings(arguments)
        do { return try parseAsRoot(settings.arguments) } catch {
            if exitCode(for: error) != .success, let failure = settings.blame(complaint) { throw failure }
            throw error
        }
    }

    private static func complaint(_ arguments: [String]) -> String? {
        do {
            _ = try parseAsRoot(arguments)
            return nil
        } catch { return message(for: error) }
    }

    /// Of `run`, other codes are its command's; mount(8) knows one for all.
    private static func ownCode(_ code: CommandFailure.Code) -> Int32 {
        if MountHelper.isMeant { return MountHelper.failureCode }
        return CommandLine.arguments.dropFirst().first == "run" ? RunSupervisor.failureCode : code.rawValue
    }
}
