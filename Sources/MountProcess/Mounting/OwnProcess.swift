// SPDX-License-Identifier: Apache-2.0
internal import Glibc
private import HostSystem
private import MountRecords

/// This program, started again. Nothing is forked: threads do not survive that.
struct OwnProcess {
    /// So many words of our own command line, the name included: as bytes, which need not be text.
    var words = Int(CommandLine.argc)
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
        var argv = (0..<words).map { CommandLine.unsafeArgv[$0].flatMap { strdup($0) } } + [nil]
        var envp = variables
        defer { for text in argv + envp { free(text) } }
        var child = pid_t()
        let result = posix_spawn(&child, Self.executable, &actions, &attributes, &argv, &envp)
        guard result == 0 else {
            throw CommandFailure(.failed, "cannot start myself again: \(String(cString: strerror(result)))")
        }
        return child
    }

    /// Our environment, as bytes, with what is added. To be freed; a null pointer at the end.
    private var variables: [UnsafeMutablePointer<CChar>?] {
        var added = environment
        // Not in what we were given, where it is the user database's.
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

    /// Our own path, so that `ps` shows the name; the link itself where the file was replaced meanwhile.
    private static var executable: String {
        let link = "/proc/self/exe"
        guard let path = realpath(link, nil) else { return link }
        defer { free(path) }
        return access(path, X_OK) == 0 ? String(cString: path) : link
    }
}
