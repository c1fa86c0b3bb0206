// SPDX-License-Identifier: Apache-2.0
private import Glibc

/// A mount in the background is this same command, started again in the foreground, in a session of its own. Nothing is
/// forked: threads do not survive that.
enum BackgroundMount {
    /// Where the child finds the pipe for its word; that it is set is what keeps the child in the foreground.
    static let variable = "KITFS_READY_FD"

    /// Starts the child and waits for its word. Throws `CommandFailure` with its reason if the mount failed.
    static func start() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw CommandFailure(.failed, "no pipe to be had: \(String(cString: strerror(errno)))")
        }
        defer { close(ends[0]) }
        let child = try spawn(ready: ends[1], notInherited: ends[0])
        close(ends[1])
        var word: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(ends[0], &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            // To its end: the child lets go of the pipe, and of all else of ours, before we return.
            word.append(contentsOf: buffer[0..<count])
        }
        let text = String(decoding: word, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        if text == "ready" { return }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        guard let space = text.firstIndex(of: " "), let number = Int32(text[..<space]),
            let code = CommandFailure.Code(rawValue: number)
        else { throw CommandFailure(.failed, "the mount's process ended without a word (status \(status))") }
        throw CommandFailure(code, String(text[text.index(after: space)...]))
    }

    /// Our own path, so that `ps` shows the name; the link itself where the file was replaced meanwhile.
    private static func executable() -> String {
        let link = "/proc/self/exe"
        guard let path = realpath(link, nil) else { return link }
        defer { free(path) }
        return access(path, X_OK) == 0 ? String(cString: path) : link
    }

    private static func spawn(ready: Int32, notInherited: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addclose(&actions, notInherited)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        let newSession: Int16 = 0x80  // POSIX_SPAWN_SETSID
        posix_spawnattr_setflags(&attributes, newSession)
        let arguments = CommandLine.arguments
        let variables =
            Environment.variables.map { "\($0.key)=\($0.value)" } + ["\(variable)=\(ready)"]
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var child = pid_t()
        let result = posix_spawn(&child, executable(), &actions, &attributes, &argv, &envp)
        guard result == 0 else {
            throw CommandFailure(.failed, "cannot start myself again: \(String(cString: strerror(result)))")
        }
        return child
    }
}

/// The child's side: says once how the start went.
struct ReadyWord {
    private let descriptor: Int32?

    /// `kept`: a descriptor of the caller's that is wanted, as for a mount on /dev/fd/N.
    init(keeping kept: Int32?) {
        descriptor = Environment.nonEmpty(BackgroundMount.variable).flatMap { Int32($0) }
        if let descriptor { Self.closeInherited(but: [descriptor, kept]) }
        if let descriptor { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        unsetenv(BackgroundMount.variable)
    }

    /// A pipe of the caller's that we kept open would keep its reader waiting as long as the mount lives.
    private static func closeInherited(but kept: [Int32?]) {
        for name in TextFile.names(in: "/proc/self/fd") {
            if let number = Int32(name), number > STDERR_FILENO, !kept.contains(number) { close(number) }
        }
    }

    static var isChild: Bool { Environment.nonEmpty(BackgroundMount.variable) != nil }
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
