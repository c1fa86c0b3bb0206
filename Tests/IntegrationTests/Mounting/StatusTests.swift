// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// What `status` shows of mounts, while they are active and when they are dead.
@Suite struct StatusTests {
    private let bench: CommandFixture

    init() throws { bench = try CommandFixture() }

    private func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 32 && $0.value != 127 }
    }

    @Test func whoWaitsForWhatAndHowFastItComes() throws {
        let kit = try SlowKit(bench)
        let mount = try bench.mount(kit.reference, "--verify", "while-streaming=docs")
        let path = SlowKit.paths[0]
        try Command.check("ls", [mount.path + "/" + path, mount.path + "/" + SlowKit.paths[2]])
        kit.line.stalled = true
        let opener = try BackgroundProcess("cat", ["\(mount.path)/\(path)/bytes"], outputFile: "/dev/null")
        let reader = try BackgroundProcess("tail", ["-c", "9", "\(mount.path)/\(SlowKit.paths[2])/bytes"])
        let start = Int64(time(nil))
        try eventually(within: 20, "both are named") {
            let shown = try mount.shown()
            return try shown.layer(path).waiters == 1 && shown.layer(SlowKit.paths[2]).waiters > 0
        }
        let stalled = try mount.shown()
        let wait = try #require(try stalled.layer(path).waits.first)
        #expect(wait.operation == "open" && wait.count == 1 && (start - 2...start + 20).contains(wait.since))
        #expect(wait.processes.map(\.pid) == [opener.pid] && wait.processes.first?.command == "cat")
        let read = try #require(try stalled.layer(SlowKit.paths[2]).waits.first)
        #expect(read.operation == "read" && read.processes.contains { $0.pid == reader.pid && $0.command == "tail" })
        #expect(try stalled.layer(path).state == "fetching" && stalled.layer(SlowKit.paths[1]).waits.isEmpty)
        let text = try bench.kitfs("status", mount.path)
        #expect(text.contains(#/1 waiting for [0-9]+ s \(1 open: cat [0-9]+\)/#), "\(text)")
        kit.line.bytesPerSecond = 1 << 20
        kit.line.stalled = false
        try eventually(within: 20, "bytes come") {
            let layer = try mount.shown().layer(path)
            return layer.rate > 0 && layer.secondsLeft != nil && layer.received > 0 && layer.cached > 0
        }
        kit.line.bytesPerSecond = nil
        #expect(opener.waitForExit(timeout: 20) == 0 && reader.waitForExit(timeout: 20) == 0)
        try eventually(within: 20, "it is at rest") {
            let layer = try mount.shown().layer(path)
            return layer.state == "cached" && layer.rate == 0 && layer.waits.isEmpty && layer.secondsLeft == nil
        }
        let layer = try mount.shown().layer(path)
        #expect(layer.cached == layer.size && layer.received >= layer.size)
        try mount.unmount()
    }

    /// The record of a killed mount is removed once another is mounted at its path.
    @Test func theDeadAreForgotten() throws {
        let reference = "oci:\(Fixtures.layout("plain-small")):v1"
        let target = try bench.directory.subdirectory("m")
        var last: Int32 = 0
        for _ in 0..<2 {
            try bench.kitfs("mount", reference, target)
            last = try Mount(path: target, bench: bench).process()
            kill(last, SIGKILL)
            try eventually(within: 10, "it is dead") { try bench.kitfs("status", target).contains("dead") }
            try Command.check("umount", ["-l", target])
        }
        try bench.kitfs("mount", reference, target)
        let mount = Mount(path: target, bench: bench)
        #expect(try mount.process() != last)
        #expect(try bench.kitfs("status", "--json", target).ranges(of: "\"pid\" :").count == 1)
        #expect(try bench.kitfs("status", target).contains("dead") == false)
        try bench.kitfs("unmount", target)
    }

    /// While a request is retried, the status has the reason; then, the failure. After a success, it has no error.
    @Test func aRegistryThatIsDown() throws {
        let kit = try SlowKit(bench)
        let mount = try bench.mount(kit.reference, "--timeout", "3")
        let path = SlowKit.paths[0]
        try Command.check("ls", [mount.path + "/" + path])
        kit.line.refusing = true
        kit.line.cutAfter = 0
        let opener = try BackgroundProcess("cat", ["\(mount.path)/\(path)/bytes"], outputFile: "/dev/null")
        try eventually(within: 20, "the reason is told") {
            let layer = try mount.shown().layer(path)
            return layer.waiters == 1 && layer.error?.contains("trying again") == true
        }
        #expect(try bench.kitfs("status", mount.path).contains(kit.line.host))
        #expect(opener.waitForExit(timeout: 20) == 1)
        try eventually(within: 20, "it has failed") {
            let layer = try mount.shown().layer(path)
            return layer.state == "failed" && layer.waits.isEmpty && layer.error?.contains("given up") == true
                && layer.errorTime != nil
        }
        kit.line.refusing = false
        kit.line.cutAfter = nil
        #expect(try mount.read(path + "/bytes").count == SlowKit.layerSize)
        try eventually(within: 20, "all is well") { try mount.shown().layer(path).error == nil }
        try mount.unmount()
    }

    @Test func aProcessThatHangs() throws {
        let mount = try bench.mount("oci:\(Fixtures.layout("plain-small")):v1")
        let shown = try mount.shown()
        #expect(shown.alive && !shown.stopped)
        try eventually(within: 20, "how files are read is known") { try mount.shown().io != nil }
        let io = try #require(try mount.shown().io)
        #expect(io.mode == "passthrough" ? io.reason == nil : io.reason != nil)
        kill(shown.pid, SIGSTOP)
        defer { kill(shown.pid, SIGCONT) }
        try eventually(within: 10, "it is seen to be stopped") { try mount.shown().stopped }
        #expect(try bench.kitfs("status").contains("kill -CONT \(shown.pid)"))
        kill(shown.pid, SIGCONT)
        try eventually(within: 10, "it goes on") { try !mount.shown().stopped }
        try mount.unmount()
    }

    /// The cache of a mount is below another mount, whose process is stopped. A look at that cache would hang.
    @Test func aCacheBelowAMountThatHangs() throws {
        let reference = "oci:\(Fixtures.layout("plain-small")):v1"
        let place = try bench.directory.subdirectory("place")
        bench.environment["KITFS_CACHE"] = place + "/cache"
        let mount = try bench.mount(reference)
        #expect(try mount.read("README.md").count == 26)
        bench.environment["KITFS_CACHE"] = bench.directory.path + "/other"
        let above = Mount(path: place, bench: bench)
        try bench.kitfs("mount", reference, place)
        let process = try above.process()
        kill(process, SIGSTOP)
        defer { kill(process, SIGCONT) }
        let text = try bench.kitfs("status")
        #expect(text.contains(mount.path) && text.contains(place) && text.contains("kill -CONT \(process)"))
        kill(process, SIGCONT)
        try above.unmount()
        try mount.unmount()
    }

    @Test func ioAndWhy() throws {
        let mount = try bench.mount("oci:\(Fixtures.layout("plain-small")):v1", "--passthrough", "false")
        try eventually(within: 20, "how files are read is known") { try mount.shown().io != nil }
        #expect(try mount.shown().io?.reason == "--passthrough false")
        #expect(try bench.kitfs("status", mount.path).contains("I/O read (--passthrough false)"))
        try mount.unmount()
    }

    /// Anyone may see root's mounts, and how much of them is cached, although only root can read the cache. A user's
    /// mounts can be seen by that user and root.
    @Test(.enabled(if: geteuid() == 0, "only root can become another user"))
    func asAnotherUser() throws {
        let user = try UnprivilegedUser(bench)
        let mount = try bench.mount("oci:\(Fixtures.layout("plain-small")):v1")
        #expect(try mount.read("README.md").count == 26)
        func status() throws -> [ShownMount] {
            try ShownMount.all(in: user.run([user.kitfs, "status", "--json"]).output)
        }
        try eventually(within: 20, "another user sees what is cached") {
            let shown = try status().first { $0.directory == mount.path }
            let states = Set(shown?.layers.map(\.state) ?? [])
            return states == ["cached", "absent"]
        }
        try mount.unmount()
        #expect(try !status().contains { $0.directory == mount.path })
    }

    @Test func watchedThroughAPipe() throws {
        let directory = try bench.directory.subdirectory("with a\nline\u{1b}[31m")
        try bench.kitfs("mount", "oci:\(Fixtures.layout("plain-small")):v1", directory)
        let mount = Mount(path: directory, bench: bench)
        func watch(_ options: String...) throws -> BackgroundProcess {
            try BackgroundProcess(
                CommandFixture.executable, ["status", "--watch", "--interval", "0.1"] + options + [directory],
                environment: bench.environment)
        }
        let plain = try watch()
        let json = try watch("--json")
        try eventually(within: 20, "it is shown again and again") {
            plain.output.split(separator: "KIND").count > 3 && json.output.split(separator: "\n").count > 3
        }
        try mount.unmount()
        #expect(plain.waitForExit(timeout: 10) == 0 && json.waitForExit(timeout: 10) == 0)
        #expect(isPrintable(plain.output) && plain.output.hasSuffix("unmounted\n"), "\(plain.output)")
        for line in json.output.split(separator: "\n") {
            #expect(try ShownMount.all(in: String(line)).map(\.directory) == [directory])
        }
        #expect(try bench.failure("status", "--watch", directory).code == 7)
        #expect(try bench.failure("status", "--interval", "0").code == 2)
        // The watch ends when its reader goes away.
        let head = try Command.run(
            "bash", ["-c", "'\(CommandFixture.executable)' status --watch --interval 0.1 | head -n 1"], timeout: 20)
        #expect(head.exitCode == 0)
    }
}
