// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport

/// A registry's blob, mounted by ratarmount without an index of an earlier run.
final class Ratarmount {
    let path: String
    /// Seconds until the mount was usable.
    let seconds: Double
    private let ground: Ground
    private let process: BackgroundProcess

    init(_ ground: Ground, _ kit: MadeKit) throws {
        self.ground = ground
        let path = try ground.place("ratarmount")
        self.path = path
        let program = try ground.peers.program("ratarmount")
        let start = monotonicSeconds()
        // With a URL, ratarmount does not go into the background.
        let process = try BackgroundProcess(program, ["-f", "--index-file", ":memory:", kit.url(), path])
        self.process = process
        var device = stat()
        stat(path, &device)
        let unmounted = device.st_dev
        while device.st_dev == unmounted {
            guard process.isRunning, monotonicSeconds() < start + 60, stat(path, &device) == 0 else {
                throw TestSupportError("ratarmount: \(process.output)\(process.errorOutput)")
            }
            usleep(500)
        }
        seconds = monotonicSeconds() - start
    }

    func unmount() throws {
        try Command.check("fusermount3", ["-u", path])
        if process.waitForExit(timeout: 10) == nil { process.terminate() }
    }

    func read(_ way: ReadCommand.Way, _ name: String = "") throws -> (seconds: Double, amount: Double) {
        try ground.read(way, path + "/" + name)
    }
}
