// SPDX-License-Identifier: Apache-2.0
private import CLinux
private import Glibc
private import HostSystem
private import MountRecords

/// The process of `kitfs run` itself. It starts the process that mounts and becomes the command (`RunChild`) and the
/// one that serves (`RunServer`), forwards signals, and ends with the command's exit code. It has one thread.
package final class RunSupervisor {
    /// The exit code of kitfs's own failures, as podman uses it.
    package static let failureCode: Int32 = 125

    private let command: RunConfiguration
    private let warn: (String) -> Void
    private let signals: SignalRelay
    private var child: pid_t?
    private var server: pid_t?
    /// The write end of the server's lifeline. The server sees when it closes.
    private var lifeline: Int32?
    /// Whether the command runs, so that signals are forwarded to it.
    private var isRunning = false

    /// `warn` shows a warning on stderr. Throws `CommandFailure`.
    package init(_ command: RunConfiguration, warn: @escaping (String) -> Void) throws {
        self.command = command
        self.warn = warn
        signals = try SignalRelay()
    }

    /// A signal came before there was a command to pass it on to.
    private struct Interrupted: Error { let signal: Int32 }

    private enum Mounted {
        /// `namespace`: as /proc shows it.
        case privately(namespace: String?)
        case forAll(directory: String)
    }

    /// Returns the exit code. Throws `CommandFailure`.
    package func run() throws -> Int32 {
        do {
            let mounted = try mount()
            isRunning = true
            let status = try waitForCommand()
            try leave(mounted)
            return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
        } catch let interrupted as Interrupted {
            giveUp()
            return 128 + interrupted.signal
        } catch {
            giveUp()
            throw error
        }
    }

    // MARK: Starting

    private func mount() throws -> Mounted {
        guard !command.isSeenByAll else { return try mountForAll() }
        let directory = try command.directory.map(RunDirectory.named) ?? RunDirectory.common()
        let channel = try startChild()
        defer { close(channel.descriptor) }
        _ = channel.send(.mount(directory))
        while try !wait(for: channel.descriptor) {}
        switch channel.receive() {
        case (.mounted, let device?)?:
            let namespace = child.flatMap { TextFile.link("/proc/\($0)/ns/mnt") }
            _ = fcntl(device, F_SETFD, 0)
            defer { close(device) }
            try startServer(directory, device: device)
            _ = channel.send(.go(directory))
            return .privately(namespace: namespace)
        case (.refused(let reason), _)?:
            endChild()
            do { return try mountForAll() } catch let failure as CommandFailure {
                throw CommandFailure(
                    failure.code, "\(failure.message); nor is there a namespace for it (\(reason)): see `kitfs doctor`")
            }
        default:
            throw CommandFailure(.failed, "the process for \(command.words[0]) ended early")
        }
    }

    private func mountForAll() throws -> Mounted {
        let directory: String
        if let name = command.directory {
            let mountPoint = MountPoint(name)
            try mountPoint.check()
            directory = mountPoint.directory
        } else {
            directory = try RunDirectory.own()
        }
        do { try startServer(directory, device: nil) } catch {
            RunDirectory.removeOwn(directory)
            throw error
        }
        let channel = try startChild()
        _ = channel.send(.go(directory))
        close(channel.descriptor)
        return .forAll(directory: directory)
    }

    private func startChild() throws -> RunChannel {
        let (ours, childs) = try RunChannel.pair()
        defer { close(childs.descriptor) }
        _ = fcntl(childs.descriptor, F_SETFD, 0)
        let process = OwnProcess(
            environment: [RunChild.variable: "\(childs.descriptor)"], signals: command.inheritedSignals)
        child = try process.start()
        return ours
    }

    /// Returns when the mount is usable. Throws `CommandFailure` with the reason if it never is.
    private func startServer(_ directory: String, device: Int32?) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw CommandFailure(.failed, "cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        lifeline = ends[1]
        var ready = try ReadinessPipe()
        // The server's command line leaves out the command, or `pkill -f COMMAND` would find it.
        let process = OwnProcess(
            words: CommandLine.arguments.firstIndex(of: "--") ?? CommandLine.arguments.count,
            environment: RunServer.environment(directory: directory, device: device, lifeline: ends[0]), isQuiet: true,
            signals: command.inheritedSignals)
        let server = try ready.start(process)
        close(ends[0])
        self.server = server
        while true {
            if try wait(for: ready.descriptor), try ready.read() { break }
        }
        do { try ready.takeWord(of: server) } catch {
            self.server = nil
            throw error
        }
    }

    // MARK: Waiting

    /// Returns how the command ended, as of waitpid(2).
    private func waitForCommand() throws -> Int32 {
        var missed: ContinuousClock.Instant?
        while let child {
            var status: Int32 = 0
            if waitpid(child, &status, WNOHANG | WUNTRACED) == child {
                guard status & 0xff == 0x7f else {
                    self.child = nil
                    return status
                }
                stopToo(child)
            }
            if hasServerEnded() { missed = .now }
            // The mount ends with its command, and the server's end may be seen first.
            if let since = missed, .now - since > .milliseconds(100) {
                missed = nil
                warn("the mount's process has ended; what the command reads of the kit now fails")
            }
            _ = try wait(for: nil, milliseconds: missed == nil ? -1 : 50)
        }
        return 0
    }

    /// The supervisor stops with its command, so that the shell sees the job stop. Without a terminal no shell looks.
    private func stopToo(_ child: pid_t) {
        let terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return }
        close(terminal)
        kill(getpid(), SIGSTOP)
        kill(child, SIGCONT)
    }

    private func hasServerEnded() -> Bool {
        guard let server, waitpid(server, nil, WNOHANG) == server else { return false }
        self.server = nil
        return true
    }

    /// Returns true if `descriptor` is readable; false after a signal, which was handled, or the time-out.
    private func wait(for descriptor: Int32?, milliseconds: Int32 = -1) throws -> Bool {
        var waits = [
            pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&waits, 2, milliseconds) > 0 else { return false }
        while let arrival = signals.next() { try actOn(arrival) }
        return waits[1].revents != 0
    }

    private func actOn(_ arrival: SignalRelay.Arrival) throws {
        guard arrival.signal != SIGCHLD else { return }
        if isRunning {
            if let child, !arrival.isOfTerminal { kill(child, arrival.signal) }
        } else if SignalRelay.ending.contains(arrival.signal) {
            throw Interrupted(signal: arrival.signal)
        } else if arrival.signal == SIGTSTP {
            kill(getpid(), SIGSTOP)
        }
    }

    // MARK: Ending

    /// A background process that the command left keeps a private mount. An ordinary mount is detached now, and such a
    /// process keeps only what it has open.
    private func leave(_ mounted: Mounted) throws {
        switch mounted {
        case .privately(let namespace):
            if namespace.map({ !Self.isEmpty($0) }) ?? false { return bidFarewell() }
        case .forAll(let directory):
            if server != nil, let problem = Unmounting.unmount(directory, lazy: true) {
                warn("\(directory): \(problem)")
            }
            RunDirectory.removeOwn(directory)
        }
        // The server ends when its mount is gone. If a process keeps the mount, the server stays.
        for _ in 0..<100 where server != nil && !hasServerEnded() { _ = try wait(for: nil, milliseconds: 20) }
        bidFarewell()
    }

    /// Whether no visible process is in a mount namespace.
    private static func isEmpty(_ namespace: String) -> Bool {
        !TextFile.names(in: "/proc").contains { name in
            Int32(name) != nil && TextFile.link("/proc/\(name)/ns/mnt") == namespace
        }
    }

    private func bidFarewell() {
        if let lifeline { _ = write(lifeline, RunServer.farewell, 1) }
    }

    /// Ends both processes and waits for them.
    private func giveUp() {
        endChild()
        guard let server else { return }
        kill(server, SIGTERM)
        for round in 0... {
            if waitpid(server, nil, WNOHANG) != 0 { break }
            if round == 500 { kill(server, SIGKILL) }
            usleep(10_000)
        }
    }

    private func endChild() {
        guard let child else { return }
        kill(child, SIGKILL)
        while waitpid(child, nil, 0) < 0, errno == EINTR {}
        self.child = nil
    }
}
