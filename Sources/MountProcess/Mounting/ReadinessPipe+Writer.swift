// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
internal import MountRecords

extension ReadinessPipe {
    /// The mount's process's end.
    package struct Writer {
        private let descriptor: Int32?

        /// `kept`: inherited descriptors that stay open, as for a mount on /dev/fd/N.
        init(keeping kept: [Int32?]) {
            descriptor = Environment.nonEmpty(ReadinessPipe.variable).flatMap { Int32($0) }
            if let descriptor { Self.closeInherited(but: kept + [descriptor]) }
            if let descriptor { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            unsetenv(ReadinessPipe.variable)
        }

        /// An inherited pipe that stayed open would block its reader for the mount's lifetime.
        private static func closeInherited(but kept: [Int32?]) {
            for name in TextFile.names(in: "/proc/self/fd") {
                if let number = Int32(name), number > STDERR_FILENO, !kept.contains(number) { close(number) }
            }
        }

        package static var isChild: Bool { Environment.nonEmpty(ReadinessPipe.variable) != nil }
        var isInBackground: Bool { descriptor != nil }

        /// Whether the parent process still waits.
        var isAwaited: Bool {
            guard let descriptor else { return true }
            var state = pollfd(fd: descriptor, events: 0, revents: 0)
            return poll(&state, 1, 0) == 0 || state.revents & Int16(POLLERR) == 0
        }

        /// Returns false if the parent process is gone.
        func ready() -> Bool { say("ready\n") }

        /// Returns false in the foreground, where the caller reports the failure.
        func fail(_ failure: CommandFailure) -> Bool {
            guard isInBackground else { return false }
            _ = say("\(failure.code.rawValue) \(failure.message.split(separator: "\n").joined(separator: " "))\n")
            return true
        }

        private func say(_ text: String) -> Bool {
            guard let descriptor else { return false }
            let bytes = Array(text.utf8)
            defer { close(descriptor) }
            return write(descriptor, bytes, bytes.count) == bytes.count
        }
    }
}
