// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// One child process. A thread collects its output and reaps it, whether or not anybody waits.
///
/// The thread holds this object and not ``BackgroundProcess``, so that releasing the latter is noticed.
final class ChildWatch: Sendable {
    private struct State {
        /// Once this is set, the pid must not be signalled: the kernel may have given it to another process.
        var isReaped = false
        /// Set after all output has been collected.
        var exitCode: Int32?
        var output: [UInt8] = []
        var error: [UInt8] = []
    }

    let pid: Int32
    private let state = Mutex(State())

    init(pid: Int32) {
        self.pid = pid
    }

    var exitCode: Int32? { state.withLock { $0.exitCode } }
    var output: [UInt8] { state.withLock { $0.output } }
    var error: [UInt8] { state.withLock { $0.error } }

    /// Signals the child or its whole process group. Does nothing if the child is gone.
    func kill(_ signal: Int32, group: Bool) {
        state.withLock { state in
            if !state.isReaped { _ = Glibc.kill(group ? -pid : pid, signal) }
        }
    }

    /// The body of the watching thread. It takes over both descriptors, which must not block; -1 means there is none.
    ///
    /// The child's end counts, and not the end of its pipes, which a grandchild may keep open for ever. Output that is
    /// in a pipe when the child ends is still collected, up to the capacity of a pipe.
    func run(output: Int32, error: Int32) {
        var sources = [(output, \State.output), (error, \State.error)].filter { $0.0 >= 0 }
        var pause: Int32 = 1
        while true {
            var polled = sources.map { pollfd(fd: $0.0, events: Int16(POLLIN), revents: 0) }
            poll(&polled, nfds_t(polled.count), pause)
            pause = min(pause * 2, 10)
            let (status, reaped) = reap()
            for (index, source) in sources.enumerated().reversed() {
                switch collect(source.0, into: source.1, limit: reaped ? 1 << 20 : 1 << 16) {
                case .something: pause = 1
                case .nothing: break
                case .end:
                    close(source.0)
                    sources.remove(at: index)
                    pause = 1
                }
            }
            if reaped {
                for source in sources { close(source.0) }
                state.withLock { $0.exitCode = status }
                return
            }
        }
    }

    private enum Collected { case something, nothing, end }

    private func collect(
        _ descriptor: Int32, into part: WritableKeyPath<State, [UInt8]>, limit: Int
    ) -> Collected {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var total = 0
        while total < limit {
            let count = read(descriptor, &piece, piece.count)
            if count == 0 { return .end }
            if count < 0 {
                if errno == EINTR { continue }
                return errno != EAGAIN ? .end : total > 0 ? .something : .nothing
            }
            total += count
            state.withLock { $0[keyPath: part].append(contentsOf: piece[0..<count]) }
        }
        return .something
    }

    /// The child's exit code, or 128 + the signal that killed it; -1 if somebody else reaped it.
    private func reap() -> (status: Int32, reaped: Bool) {
        state.withLock { state in
            var status: Int32 = 0
            let found = waitpid(pid, &status, WNOHANG)
            if found == 0 || (found < 0 && errno == EINTR) { return (0, false) }
            state.isReaped = true
            if found < 0 { return (-1, true) }
            let signal = status & 0x7f
            return (signal == 0 ? (status >> 8) & 0xff : 128 + signal, true)
        }
    }
}
