// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Processes that stream one layer into one cache. Each chunk is fetched once, and what one process fetches, the others
/// read.
@Suite final class SharedStreamingTests {
    private static let size = 24 << 20
    private let bench: CommandFixture
    private let kit: NoiseKit

    init() throws {
        bench = try CommandFixture()
        kit = try NoiseKit([.plain, .gzip], size: Self.size, bench)
    }

    /// Bytes of the layer that were fetched since the listing.
    private func moved(_ form: NoiseKit.Form, since start: Int) throws -> Int {
        try kit.registry.bytesMoved(blob: try kit.blob(form).hex) - start
    }

    @Test(arguments: [NoiseKit.Form.plain, .gzip]) func twoMountsMoveEachChunkOnce(_ form: NoiseKit.Form) throws {
        let mounts = [try kit.mount(form, .whileStreaming), try kit.mountAgain(form, .whileStreaming)]
        for mount in mounts { try Command.check("ls", ["-lR", mount.path]) }
        let start = try kit.registry.bytesMoved(blob: try kit.blob(form).hex)
        let third = Self.size / 3
        // One reads the first and second third, one the second and last third, and two read all of it.
        let readers = try [(0, 0, 2 * third), (1, third, 2 * third), (0, 0, Self.size), (1, 0, Self.size)].map {
            try BackgroundProcess(
                "cmp", ["-s", "-i", "\($0.1)", "-n", "\($0.2)", mounts[$0.0].path + "/weights.bin", kit.truth])
        }
        for reader in readers { #expect(NoiseKit.outcome(reader) == .right, "\(reader.commandLine)") }
        let size = try kit.blob(form).size
        let moved = try moved(form, since: start)
        print("two mounts, \(form): \(moved) of \(size) bytes moved")
        #expect(moved <= size * 102 / 100, "\(moved) of \(size) moved")
        for mount in mounts { try mount.unmount() }
    }

    /// A mount that has begun to stream holds its file open and reads no more. It does not block the others, but goes
    /// on for them.
    @Test(arguments: [NoiseKit.Form.plain, .gzip], NoiseKit.Verify.allCases)
    func anIdleReaderHoldsUpNobody(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let idle = try kit.mount(form, .whileStreaming, at: nil, "--timeout", "5")
        let file = try OpenedFile(idle.path + "/weights.bin")
        #expect(file.error(at: 0) == 0)
        let other = try kit.mountAgain(form, verify, ["--timeout", "5"])
        #expect(try kit.read(other, within: 30) == .right)
        try eventually(within: 20, "it is committed") {
            try bench.find(try kit.blob(form).hex).contains { $0.contains("/layers/") }
        }
        #expect(file.error(at: Self.size - 1) == 0)
        file.close()
        try other.unmount()
        try idle.unmount()
    }

    /// The verifying process is killed, and another takes over.
    @Test(arguments: [NoiseKit.Form.plain, .gzip]) func theVerifierIsKilled(_ form: NoiseKit.Form) throws {
        let proxy = try FaultProxy(upstreamPort: kit.registry.port)
        defer { proxy.stop() }
        let first = try kit.mount(form, .whileStreaming, at: proxy.host)
        let second = try kit.mountAgain(form, .whileStreaming, at: proxy.host)
        proxy.bytesPerSecond = 12 << 20
        let before = proxy.downstreamBytes
        let process = try first.process()
        let readers = try [first, second].map { try kit.reader($0) }
        try eventually(within: 20, "a part has come") { proxy.downstreamBytes > before + (6 << 20) }
        kill(process, SIGKILL)
        #expect(NoiseKit.outcome(readers[0]) == .error)
        #expect(NoiseKit.outcome(readers[1]) == .right)
        try second.unmount()
        try first.unmount()
    }
}
