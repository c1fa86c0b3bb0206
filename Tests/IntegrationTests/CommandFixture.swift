// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A directory, a cache and the command, of the test's own. Its mounts are unmounted with the directory, also after a
/// failure, and a mount's process ends with its mount.
final class CommandFixture {
    let directory: TemporaryDirectory
    let cache: String
    /// The directory of the mounts' logs, at the most detailed level. In the end they are searched for ``Secrets``.
    let logs: String
    /// Added to the environment of every command.
    var environment: [String: String]

    init() throws {
        directory = try TemporaryDirectory()
        cache = directory.path + "/cache"
        logs = try directory.subdirectory("logs")
        environment = [
            "KITFS_CACHE": cache, "HOME": try directory.subdirectory("home"),
            // The machine's own shared cache is not used by tests.
            "KITFS_SHARED_CACHE": directory.path + "/no-shared-cache",
        ]
    }

    deinit {
        let found = (try? Secrets.found(below: logs)) ?? ["the logs could not be looked through"]
        if !found.isEmpty { Issue.record("secrets are in logs: \(found.joined(separator: ", "))") }
    }

    /// Makes a mount log at the most detailed level, to a file in ``logs`` unless the arguments name another.
    func logged(_ arguments: [String]) -> [String] {
        guard arguments.first == "mount" || arguments.first == "run" else { return arguments }
        let isPlaced = arguments.contains("--log-file") || arguments.contains("-f")
        let place = isPlaced ? [] : ["--log-file", "\(logs)/\(UInt64.random(in: 0 ... .max)).log"]
        let own = arguments.prefix { $0 != "--" }
        return own + ["--log-level", "debug"] + place + arguments.dropFirst(own.count)
    }

    /// Runs the command, and expects nothing of its exit code.
    func run(_ arguments: [String], timeout: Double = 60) throws -> CommandResult {
        try Command.run(Self.executable, logged(arguments), environment: environment, timeout: timeout)
    }

    /// The command that was built with the tests.
    static let executable: String = {
        if let path = getenv("KITFS_EXECUTABLE") { return String(cString: path) }
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { memory in
            memory.baseAddress.map {
                readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), memory.count)
            } ?? 0
        }
        let own = String(decoding: buffer[0..<max(0, count)], as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/kitfs"
    }()

    /// Runs the command and expects it to succeed.
    @discardableResult
    func kitfs(_ arguments: String..., timeout: Double = 60) throws -> String {
        let result = try run(arguments, timeout: timeout)
        guard result.exitCode == 0 else {
            throw TestSupportError(
                "kitfs \(arguments.joined(separator: " ")): \(result.exitCode): \(result.errorOutput)")
        }
        return result.output
    }

    /// Runs the command. Returns its exit code and message, for failures.
    func failure(_ arguments: String..., timeout: Double = 60) throws -> (code: Int32, message: String) {
        let result = try run(arguments, timeout: timeout)
        return (result.exitCode, result.errorOutput)
    }

    /// Mounts on a new directory, in the background.
    func mount(_ reference: String, _ options: String...) throws -> Mount { try mount(reference, options) }

    func mount(_ reference: String, _ options: [String]) throws -> Mount {
        let target = try directory.subdirectory("mnt-\(UInt64.random(in: 0 ... .max))")
        let result = try run(["mount", reference, target] + options)
        guard result.exitCode == 0 else {
            throw TestSupportError("mount \(reference): \(result.exitCode): \(result.errorOutput)")
        }
        return Mount(path: target, bench: self)
    }

    /// The names of all files below the cache, to check for leftovers.
    func cachedFiles(below part: String = "") throws -> [String] {
        let result = try Command.run("find", [cache + (part.isEmpty ? "" : "/" + part), "-type", "f"])
        return result.output.split(separator: "\n").map(String.init).sorted()
    }
}

/// A kit mounted in the background.
struct Mount {
    let path: String
    let bench: CommandFixture

    func unmount() throws { try bench.kitfs("unmount", path) }

    func read(_ name: String) throws -> [UInt8] { try readFile(path + "/" + name) }

    /// Opens and closes a file. Returns the error's number, or 0 for success.
    func openError(_ name: String, flags: Int32 = O_RDONLY) -> Int32 {
        let descriptor = open(path + "/" + name, flags | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        close(descriptor)
        return 0
    }

    func extendedAttribute(_ file: String, _ name: String) throws -> String? {
        try ExtendedAttributes.get(path + "/" + file, name)
    }

    /// The process that serves the mount, from `kitfs status`.
    func process() throws -> Int32 {
        let text = try bench.kitfs("status", "--json", path)
        // The mount's own pid comes after its layers, which have the pids of waiting processes.
        guard let range = text.ranges(of: "\"pid\" : ").last,
            let pid = Int32(text[range.upperBound...].prefix { $0.isNumber })
        else { throw TestSupportError("no pid in \(text)") }
        return pid
    }

    /// The path of the mount's log, from `kitfs status`.
    func logPath() throws -> String {
        let text = try bench.kitfs("status", "--json", path)
        guard let range = text.firstRange(of: "\"log\" : \"") else { throw TestSupportError("no log in \(text)") }
        return String(text[range.upperBound...].prefix { $0 != "\"" })
    }

    func log() throws -> String { String(decoding: try readFile(try logPath()), as: UTF8.self) }
}

/// Expects a mount's tree to be the one that `kit unpack` wrote, without write and set-id bits, and with an equivalent
/// Kitfile.
func expectTree(_ found: [TreeEntry], equals truth: [TreeEntry], _ comment: Comment? = nil) {
    let expected = truth.map { entry -> TreeEntry in
        var entry = entry
        entry.mode &= 0o555
        if entry.name == "Kitfile" {
            entry.size = nil
            entry.sha256 = nil
        }
        return entry
    }
    let differences = TreeScan.differences(found, from: expected)
    #expect(differences.isEmpty, comment ?? "\(differences.joined(separator: "\n"))")
}
