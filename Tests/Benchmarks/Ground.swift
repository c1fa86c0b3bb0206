// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// The environment of the rows: a directory, a registry, the programs, and the kits. Each kit is made when a row first
/// needs it.
final class Ground {
    let scale: Scale
    let rounds: Int
    let kitfs: String
    let peers: Peers
    let directory: TemporaryDirectory
    /// The path of a copy of this program.
    let bench: String
    private var startedRegistry: DockerRegistry?
    private var kits: [String: MadeKit] = [:]
    private var numbers = 0
    var knownListings: [Int: [Listing]] = [:]

    init(scale: Scale, rounds: Int, kitfs: String, peers: Peers) throws {
        (self.scale, self.rounds, self.peers) = (scale, rounds, peers)
        directory = try TemporaryDirectory()
        // Removed twice, since a process that was still at work may have made a file in between.
        Interruption.cleanUp { [weak directory] in for _ in 0..<2 { try? directory?.remove() } }
        // The unprivileged user must be able to reach and run everything in it.
        chmod(directory.path, 0o755)
        let programs = try directory.subdirectory("bin")
        (self.kitfs, bench) = (programs + "/kitfs", programs + "/bench")
        try Command.check("cp", [kitfs, self.kitfs])
        try Command.check("cp", ["/proc/\(getpid())/exe", bench])
    }

    var registry: DockerRegistry {
        get throws {
            if let startedRegistry { return startedRegistry }
            let made = try DockerRegistry()
            Interruption.cleanUp { [weak made] in made?.stop() }
            startedRegistry = made
            return made
        }
    }

    /// A new empty directory.
    func place(_ name: String) throws -> String {
        numbers += 1
        return try directory.subdirectory("\(name)-\(numbers)")
    }

    func kit(_ name: String, _ make: (Ground) throws -> MadeKit) throws -> MadeKit {
        if let kit = kits[name] { return kit }
        say("  making \(name)")
        let made = try make(self)
        kits[name] = made
        return made
    }

    /// Deletes what a row has left on disk.
    func remove(_ path: String) throws { try Command.check("rm", ["-rf", path], timeout: 300) }

    /// Runs a program that must succeed.
    ///
    /// - Returns: seconds from its start to its end.
    func time(_ program: String, _ arguments: [String], environment: [String: String]? = nil) throws -> Double {
        let start = monotonicSeconds()
        try Command.check(program, arguments, environment: environment, timeout: 600)
        return monotonicSeconds() - start
    }

    /// Runs kitfs without its user's settings.
    ///
    /// - Returns: seconds from its start to its end.
    func run(_ arguments: [String], as user: User = .root) throws -> Double {
        let command = user.command([kitfs] + arguments)
        return try time(command[0], Array(command.dropFirst()), environment: ["HOME": directory.path])
    }

    /// Reads in a process of its own, see ``ReadCommand``.
    func read(_ way: ReadCommand.Way, _ path: String, as user: User = .root) throws -> (seconds: Double, amount: Double)
    {
        let command = user.command([bench, "read", way.rawValue, path])
        let output = try Command.check(command[0], Array(command.dropFirst()), timeout: 1200).output
        let numbers = output.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { Double($0) }
        guard numbers.count == 2 else { throw TestSupportError("the reader printed: \(output)") }
        return (numbers[0], numbers[1])
    }

    /// Writes dirty pages to disk, so that no later run waits for the writes of earlier ones.
    func settle() { sync() }
}
