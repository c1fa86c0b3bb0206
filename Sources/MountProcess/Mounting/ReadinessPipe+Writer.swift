// SPDX-License-Identifier: Apache-2.0
private import Glibc
private import HostSystem
internal import MountRecords

extension ReadinessPipe {
    /// The child's side.
    package struct Writer {
        private let descriptor: Int32?

        /// `kept`: descriptors of the caller's that are wanted, as for a mount on /dev/fd/N.
        init(keeping kept: [Int32?]) {
            descriptor = Environment.nonEmpty(ReadinessPipe.variable).flatMap { Int32($0) }
            if let descriptor { Self.closeInherited(but: kept + [descriptor]) }
            if let descriptor { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            unsetenv(ReadinessPipe.variable)
        }

        /// A pipe of the caller's that we kept open would keep its reader waiting as long as the mount lives.
        private static func closeInherited(but kept: [Int32?]) {
            for name in TextFile.names(in: "/proc/self/fd") {
                if let number = Int32(name), number > STDERR_FILENO, !kept.contains(number) { close(number) }
            }
        }

        package static var isChild: Bool { Environment.nonEmpty(ReadinessPipe.variable) != nil }
        var isInBackground: Bool { descriptor != nil }

        /// Whether the one who asked for the mount still waits.
        var isAwaited: Bool {
            guard let descriptor else { return true }
            var state = pollfd(fd: descriptor, events: 0, revents: 0)
            return poll(&state, 1, 0) == 0 || state.revents & Int16(POLLERR) == 0
        }

        /// False if nobody listens any more.
        func ready() -> Bool { say("ready\n") }

        /// False in the foreground: the failure is for stderr then.
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
