// SPDX-License-Identifier: Apache-2.0

/// The result of a program.
public struct CommandResult: Sendable {
    /// The program and its arguments, for error texts.
    public let commandLine: String
    /// The exit code, or 128 + the number of the signal that killed it.
    public let exitCode: Int32
    public let stdout: [UInt8]
    public let stderr: [UInt8]

    public var output: String { String(decoding: stdout, as: UTF8.self) }
    public var errorOutput: String { String(decoding: stderr, as: UTF8.self) }
}

/// Runs programs to their end.
public enum Command {
    /// Runs a program and waits for it, but not for its background processes. If a grandchild keeps the output pipes
    /// open, it finds them closed from then on.
    ///
    /// The program gets no descriptor of this process, and has its own process group.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name to find in PATH.
    ///   - environment: merged over the inherited one; nil inherits it as it is.
    ///   - input: what it reads from stdin; nil is /dev/null.
    ///   - seconds: after that its process group is killed.
    /// - Throws: when the program cannot be started, or was killed for taking too long, or is kitfs and printed one of
    ///   ``Secrets``; a failing program is told by its exit code.
    @discardableResult
    public static func run(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil,
        timeout seconds: Double = 60, workingDirectory: String? = nil
    ) throws -> CommandResult {
        let process = try BackgroundProcess(
            executable, arguments, environment: environment, input: input, workingDirectory: workingDirectory)
        guard let exitCode = process.waitForExit(timeout: seconds) else {
            process.killGroup()
            throw TestSupportError(
                """
                '\(process.commandLine)' was killed, it had not ended within \(seconds) s
                stdout: \(process.output)
                stderr: \(process.errorOutput)
                """)
        }
        if ([executable] + arguments).contains(where: { $0 == "kitfs" || $0.hasSuffix("/kitfs") }),
            let secret = Secrets.found(in: process.stdout) ?? Secrets.found(in: process.stderr)
        {
            throw TestSupportError(
                "'\(process.commandLine)' shows the secret '\(secret)': \(process.output)\(process.errorOutput)")
        }
        return CommandResult(
            commandLine: process.commandLine, exitCode: exitCode, stdout: process.stdout, stderr: process.stderr)
    }

    /// As `run`, for programs that must succeed.
    ///
    /// - Throws: as `run`, and if the exit code is not 0. The error has all of the program's output.
    @discardableResult
    public static func check(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil,
        timeout seconds: Double = 60, workingDirectory: String? = nil
    ) throws -> CommandResult {
        let result = try run(
            executable, arguments, environment: environment, input: input, timeout: seconds,
            workingDirectory: workingDirectory)
        guard result.exitCode == 0 else {
            throw TestSupportError(
                """
                '\(result.commandLine)' ended with \(result.exitCode)
                stdout: \(result.output)
                stderr: \(result.errorOutput)
                """)
        }
        return result
    }
}
