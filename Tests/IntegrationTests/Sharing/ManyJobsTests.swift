// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Jobs on one node read all of one kit at the same time, on an empty cache. Each byte is fetched once, and when a job
/// is killed or stopped, the others continue. 256 MiB and eight jobs in a soak.
@Suite final class ManyJobsTests {
    private static let isSoak = getenv("KITFS_SOAK") != nil
    private static let size = isSoak ? 256 << 20 : 64 << 20
    private static let jobs = isSoak ? 8 : 4
    private static let blows = isSoak ? 20 : 4

    @Test(arguments: [NoiseKit.Form.plain, .gzip], NoiseKit.Verify.allCases)
    func eachByteOnce(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let bench = try CommandFixture()
        let kit = try NoiseKit([form], size: Self.size, bench)
        let mounts = try (0..<Self.jobs).map { _ in try kit.mountAgain(form, verify) }
        let readers = try mounts.map { try kit.reader($0) }
        for reader in readers { #expect(NoiseKit.outcome(reader, within: 300) == .right) }
        let blob = try kit.blob(form)
        let moved = try kit.registry.bytesMoved(blob: blob.hex)
        print("\(Self.jobs) jobs, \(form), \(verify.rawValue): \(moved) of \(blob.size) bytes moved")
        #expect(moved >= blob.size && moved <= blob.size * 102 / 100, "\(moved) of \(blob.size) moved")
        // A little more than the blob is not a failure, but its cause should be known.
        if moved > blob.size + (64 << 10) {
            print(try kit.history(form), try mounts.map { try $0.log() }.joined(separator: "\n"), separator: "\n")
        }
        for mount in mounts { try mount.unmount() }
        #expect(try bench.kitfs("cache", "verify", timeout: 300).contains("0 dropped"))
    }

    /// The machine sleeps for longer than any time-out, as a virtual machine that is migrated. All jobs stand still.
    /// Their old heartbeats must not look like those of frozen processes when they continue.
    @Test(arguments: [NoiseKit.Form.plain, .gzip], NoiseKit.Verify.allCases)
    func theMachineSleeps(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let bench = try CommandFixture()
        let kit = try NoiseKit([form], size: 24 << 20, bench)
        let proxy = try FaultProxy(upstreamPort: kit.registry.port)
        defer { proxy.stop() }
        proxy.bytesPerSecond = 6 << 20
        let jobs = try (0..<3).map { _ in try Job(kit, form, verify, proxy, ["--timeout", "20"]) }
        try eventually(within: 30, "a part has come") { proxy.downstreamBytes > 8 << 20 }
        for job in jobs { kill(job.process, SIGSTOP) }
        defer { for job in jobs { kill(job.process, SIGCONT) } }
        sleep(12)
        for job in jobs { kill(job.process, SIGCONT) }
        for job in jobs { #expect(job.outcome(within: 120) == .right) }
        let size = try kit.blob(form).size
        #expect(proxy.downstreamBytes <= size * 102 / 100, "\(proxy.downstreamBytes) of \(size) moved")
        for job in jobs { try job.mount.unmount() }
    }

    enum Blow: String { case kill, stop }

    /// Every half second, a job is killed and another is started in its place, or a job is stopped for longer than the
    /// time-out. Stopping is only tested in a soak, since it takes long.
    @Test(arguments: isSoak ? [Blow.kill, .stop] : [.kill], [NoiseKit.Form.plain, .gzip])
    func oneOfThemFails(_ blow: Blow, _ form: NoiseKit.Form) throws {
        let bench = try CommandFixture()
        let kit = try NoiseKit([form], size: Self.size, bench)
        let proxy = try FaultProxy(upstreamPort: kit.registry.port)
        defer { proxy.stop() }
        // The line is slow enough for the fetch to last as long as the blows.
        proxy.bytesPerSecond = Self.size * 2 / Self.blows
        var jobs = try (0..<Self.jobs).map { number in try Job(kit, form, NoiseKit.Verify.allCases[number % 2], proxy) }
        var stopped: [(process: Int32, until: Double)] = []
        defer { for one in stopped { kill(one.process, SIGCONT) } }
        for number in 0..<Self.blows {
            usleep(500_000)
            while let first = stopped.first, first.until < monotonicSeconds() {
                kill(first.process, SIGCONT)
                stopped.removeFirst()
            }
            let victim = Int.random(in: jobs.indices)
            switch blow {
            case .kill:
                kill(jobs[victim].process, SIGKILL)
                #expect([.error, .right].contains(jobs[victim].outcome(within: 30)), "blow \(number)")
                try jobs[victim].mount.unmount()
                jobs[victim] = try Job(kit, form, NoiseKit.Verify.allCases[number % 2], proxy)
            case .stop where !stopped.contains { $0.process == jobs[victim].process }:
                kill(jobs[victim].process, SIGSTOP)
                stopped.append((jobs[victim].process, monotonicSeconds() + 15))
            case .stop:
                continue
            }
        }
        for one in stopped {
            usleep(UInt32(max(0, one.until - monotonicSeconds()) * 1_000_000))
            kill(one.process, SIGCONT)
        }
        stopped = []
        for job in jobs { #expect(job.outcome(within: 300) == .right) }
        let blob = try kit.blob(form)
        print("\(Self.blows) times \(blow.rawValue), \(form): \(proxy.downstreamBytes) of \(blob.size) bytes moved")
        for job in jobs { try job.mount.unmount() }
        #expect(try bench.kitfs("cache", "verify", timeout: 300).contains("1 layer of"))
        try bench.kitfs("cache", "prune")
        #expect(try Command.check("find", [bench.cache + "/trash", "-mindepth", "1"]).output.isEmpty)
    }

    /// A mount, and a process that reads all of it.
    private struct Job {
        let mount: Mount
        let process: Int32
        private let reader: BackgroundProcess

        init(
            _ kit: NoiseKit, _ form: NoiseKit.Form, _ verify: NoiseKit.Verify, _ proxy: FaultProxy,
            _ options: [String] = []
        ) throws {
            mount = try kit.mountAgain(form, verify, at: proxy.host, options)
            process = try mount.process()
            reader = try kit.reader(mount)
        }

        func outcome(within seconds: Double) -> NoiseKit.Outcome { NoiseKit.outcome(reader, within: seconds) }
    }
}
