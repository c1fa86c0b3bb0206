// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// This program, started again. Nothing is forked: threads do not survive that.
struct OwnProcess {
    /// The command line after the name.
    var arguments = Array(CommandLine.arguments.dropFirst())
    /// Added to our environment.
    var environment: [String: String] = [:]
    /// stdin and stdout are /dev/null.
    var isQuiet = false
    /// Signals that are blocked and, of ours, ignored, as they were when we were started.
    var signals: InheritedSignals?

    /// Descriptors that are not closed on exec are the child's, too. Throws `CommandFailure`.
    func start() throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if isQuiet {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if var signals {
            posix_spawnattr_setsigmask(&attributes, &signals.blocked)
            posix_spawnattr_setsigdefault(&attributes, &signals.defaults)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        }
        let variables = Environment.variables.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        var argv = (CommandLine.arguments.prefix(1) + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var child = pid_t()
        let result = posix_spawn(&child, Self.executable, &actions, &attributes, &argv, &envp)
        guard result == 0 else {
            throw CommandFailure(.failed, "cannot start myself again: \(String(cString: strerror(result)))")
        }
        return child
    }

    /// Our own path, so that `ps` shows the name; the link itself where the file was replaced meanwhile.
    private static var executable: String {
        let link = "/proc/self/exe"
        guard let path = realpath(link, nil) else { return link }
        defer { free(path) }
        return access(path, X_OK) == 0 ? String(cString: path) : link
    }
}
