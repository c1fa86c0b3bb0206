// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc
private import HostSystem
package import OCI

/// The process that becomes the command of `kitfs run`. It executes the command once the kit is mounted.
package struct RunChild {
    static let variable = "KITFS_COMMAND_FD"
    private let channel: RunChannel

    /// nil in other processes.
    package init?() {
        guard let descriptor = Environment.nonEmpty(Self.variable).flatMap({ Int32($0) }) else { return nil }
        channel = RunChannel(descriptor: descriptor)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unsetenv(Self.variable)
    }

    /// What to mount, should the mount be private, and what to become. `report` tells of a command that cannot be
    /// executed.
    package func run(
        _ command: RunConfiguration, mounting reference: Reference, allowOther: Bool, forbidsExecution: Bool,
        report: (String) -> Void
    ) -> Never {
        // The command is killed if `kitfs run` dies.
        _ = clinux_set_parent_death_signal(SIGKILL)
        while let (message, _) = channel.receive() {
            switch message {
            case .mount(let directory):
                mount("\(reference)", directory, allowOther: allowOther, forbidsExecution: forbidsExecution)
            case .go(let directory): become(command, directory, report)
            case .mounted, .refused: break
            }
        }
        _exit(RunSupervisor.failureCode)
    }

    private func mount(_ source: String, _ directory: String, allowOther: Bool, forbidsExecution: Bool) {
        do {
            let device = try PrivateMount.make(
                on: directory, source: source, allowOther: allowOther, forbidsExecution: forbidsExecution)
            _ = channel.send(.mounted, device: device)
            close(device)
        } catch {
            _ = channel.send(.refused(error.reason))
            // The process may have left some namespaces already and cannot become the command.
            _exit(RunSupervisor.failureCode)
        }
    }

    private func become(
        _ command: RunConfiguration, _ directory: String, _ report: (String) -> Void
    ) -> Never {
        enterAgain(directory)
        setenv(RunDirectory.variable, directory, 1)
        command.inheritedSignals.restore()
        // The end of our own argv, as bytes: arguments need not be UTF-8.
        let argv = CommandLine.unsafeArgv + (Int(CommandLine.argc) - command.words.count)
        if let program = argv[0] { execvp(program, argv) }
        let error = errno
        report("\(command.words[0]): \(String(cString: strerror(error)))")
        _exit(error == ENOENT ? 127 : 126)
    }

    /// A working directory at or below the mount point is entered again, or it would be the covered one.
    private func enterAgain(_ directory: String) {
        let current = Environment.absolute(".").dropLast(2)
        if current == directory || current.hasPrefix(directory + "/") { chdir(String(current)) }
    }
}
