// SPDX-License-Identifier: Apache-2.0
internal import Glibc
private import HostSystem
private import MountRecords

/// This program, started again with posix_spawn. Threads do not survive a fork.
struct OwnProcess {
    /// How many words of our own argv are passed on, the name included. They are bytes and need not be UTF-8.
    var words = Int(CommandLine.argc)
    /// Added to our environment.
    var environment: [String: String] = [:]
    /// stdin and stdout are /dev/null.
    var isQuiet = false
    /// The signal mask and ignored signals that this process was started with; nil to pass on the current ones.
    var signals: InheritedSignals?

    /// The child inherits descriptors without O_CLOEXEC. Throws `CommandFailure`.
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
        var argv = (0..<words).map { CommandLine.unsafeArgv[$0].flatMap { strdup($0) } } + [nil]
        var envp = variables
        defer { for text in argv + envp { free(text) } }
        var child = pid_t()
        let result = posix_spawn(&child, Self.executable, &actions, &attributes, &argv, &envp)
        guard result == 0 else {
            throw CommandFailure(.failed, "cannot start kitfs again: \(String(cString: strerror(result)))")
        }
        return child
    }

    /// Our environment as bytes, with the additions. Null-terminated; the caller frees it.
    private var variables: [UnsafeMutablePointer<CChar>?] {
        var added = environment
        // HOME may come from the user database instead of the environment.
        added["HOME"] = added["HOME"] ?? Environment.nonEmpty("HOME")
        var variables: [UnsafeMutablePointer<CChar>?] = []
        var next = environ
        while let entry = next.pointee {
            let name = String(cString: entry).prefix { $0 != "=" }
            if added[String(name)] == nil { variables.append(strdup(entry)) }
            next += 1
        }
        return variables + added.map { strdup("\($0.key)=\($0.value)") } + [nil]
    }

    /// Our own path, so that `ps` shows the name. If the file was replaced, the link to the old one.
    private static var executable: String {
        let link = "/proc/self/exe"
        guard let path = realpath(link, nil) else { return link }
        defer { free(path) }
        return access(path, X_OK) == 0 ? String(cString: path) : link
    }
}
