// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// Starts a program with posix_spawn(3), and controls what the child inherits.
enum SpawnedChild {
    /// Starts `executable` (looked up in PATH when it has no slash) as the leader of a new process group.
    ///
    /// The child has the three given descriptors and no other, default signal dispositions, and no blocked signals. So
    /// nothing that the test process holds open or ignores can change what the program does.
    ///
    /// - Parameter environment: merged over the inherited one.
    /// - Returns: the child's pid; the caller must reap it.
    static func start(
        _ executable: String, _ arguments: [String], environment: [String: String]?, workingDirectory: String?,
        input: Int32, output: Int32, error: Int32
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, target) in [(input, 0), (output, 1), (error, 2)] {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
        }
        try GlibcExtensions.addCloseFrom(&actions, 3)
        if let workingDirectory { try GlibcExtensions.addChangeDirectory(&actions, workingDirectory) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let merged = ProcessInfo.processInfo.environment.merging(environment ?? [:]) { _, new in new }
        var pid: pid_t = 0
        let code = withCStrings([executable] + arguments) { argv in
            withCStrings(merged.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawnp(&pid, executable, &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else { throw TestSupportError.system("cannot start \(executable)", code) }
        return pid
    }

    /// A descriptor to read `bytes` from, or /dev/null for nil. It is a file in memory, which nobody has to feed. So a
    /// child that does not read its input can neither block us nor send us SIGPIPE.
    static func inputDescriptor(_ bytes: [UInt8]?) throws -> Int32 {
        guard let bytes else { return try systemCall("open /dev/null") { open("/dev/null", O_RDONLY | O_CLOEXEC) } }
        let file = try GlibcExtensions.memoryFile()
        do {
            try writeAll(file, bytes)
            lseek(file, 0, SEEK_SET)
            return file
        } catch {
            close(file)
            throw error
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the array holds at least its nil") }
            return body(base)
        }
    }
}
