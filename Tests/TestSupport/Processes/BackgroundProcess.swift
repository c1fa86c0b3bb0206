// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A program that runs beside the test. The object's release kills the program and its process group, and reaps it, so
/// a failing test leaves neither a process nor a zombie.
public final class BackgroundProcess: Sendable {
    /// The program and its arguments, for error texts.
    public let commandLine: String
    private let watch: ChildWatch
    private let thread: JoinableThread

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name to find in PATH.
    ///   - environment: merged over the inherited one; nil inherits it as it is.
    ///   - input: what it reads from stdin; nil is /dev/null.
    ///   - outputFile: stdout is appended to this file instead of being collected.
    ///   - errorFile: stderr is appended to this file instead of being collected.
    public init(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil, input: [UInt8]? = nil,
        workingDirectory: String? = nil, outputFile: String? = nil, errorFile: String? = nil
    ) throws {
        commandLine = ([executable] + arguments).joined(separator: " ")
        let stdin = try SpawnedChild.inputDescriptor(input)
        defer { close(stdin) }
        let output = try OutputEnds(file: outputFile)
        defer { close(output.childs) }
        let errors = try OutputEnds(file: errorFile, or: output)
        defer { close(errors.childs) }
        do {
            let pid = try SpawnedChild.start(
                executable, arguments, environment: environment, workingDirectory: workingDirectory, input: stdin,
                output: output.childs, error: errors.childs)
            let watch = ChildWatch(pid: pid)
            self.watch = watch
            thread = try JoinableThread { watch.run(output: output.ours, error: errors.ours) }
        } catch {
            output.closeOurs()
            errors.closeOurs()
            throw error
        }
    }

    deinit {
        guard watch.exitCode == nil else { return thread.join() }
        watch.kill(SIGKILL, group: true)
        // A process that hangs in the kernel (in a dead file system) cannot be killed, and is left to its thread.
        if waitForExit(timeout: 10) != nil { thread.join() }
    }

    public var pid: Int32 { watch.pid }
    public var isRunning: Bool { watch.exitCode == nil }
    /// The output to stdout so far.
    public var stdout: [UInt8] { watch.output }
    /// The output to stderr so far.
    public var stderr: [UInt8] { watch.error }
    public var output: String { String(decoding: stdout, as: UTF8.self) }
    public var errorOutput: String { String(decoding: stderr, as: UTF8.self) }

    /// Sends a signal to the program, not to its children. Does nothing if the program has ended.
    public func kill(signal: Int32) {
        watch.kill(signal, group: false)
    }

    /// Asks the program to end (SIGTERM). Kills its process group if it still runs after `grace` seconds.
    ///
    /// - Returns: the exit code as in ``waitForExit(timeout:)``; nil if even SIGKILL did not end it within 10 s.
    @discardableResult
    public func terminate(grace: Double = 5) -> Int32? {
        watch.kill(SIGTERM, group: false)
        if let code = waitForExit(timeout: grace) { return code }
        return killGroup()
    }

    /// Waits up to `timeout` seconds.
    ///
    /// - Returns: the exit code, 128 + signal when a signal killed it, -1 if somebody else reaped it; nil if it still
    ///   runs. When it returns a code, all that the program had printed has been collected.
    public func waitForExit(timeout: Double) -> Int32? {
        let deadline = monotonicSeconds() + timeout
        while true {
            let late = monotonicSeconds() >= deadline
            if let code = watch.exitCode { return code }
            if late { return nil }
            usleep(1_000)
        }
    }

    /// Kills the program and all its children that did not leave its process group.
    @discardableResult
    func killGroup() -> Int32? {
        watch.kill(SIGKILL, group: true)
        return waitForExit(timeout: 10)
    }
}
