// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// The daemon is killed at ten moments of one fetch. Bytes that were present are not fetched again, and an incomplete
/// layer never counts as whole.
@Suite final class KilledFetchTests {
    private static let isSoak = getenv("KITFS_SOAK") != nil
    /// A gibibyte in a soak, otherwise 192 MiB.
    private static let size = isSoak ? 1 << 30 : 192 << 20
    private static let rounds = 10

    @Test(arguments: [NoiseKit.Form.plain, .gzip])
    func tenTimes(_ form: NoiseKit.Form) throws {
        let bench = try CommandFixture()
        let kit = try NoiseKit([form], size: Self.size, bench)
        let blob = try kit.blob(form)
        let proxy = try FaultProxy(upstreamPort: kit.registry.port)
        defer { proxy.stop() }
        for round in 0..<Self.rounds {
            let verify = NoiseKit.Verify.allCases[round % 2]
            let mount = try kit.mountAgain(form, verify, at: proxy.host)
            let process = try mount.process()
            let before = proxy.downstreamBytes
            // The line is slow enough that only bytes in flight are lost. Each round fetches a twentieth to an
            // eleventh.
            proxy.bytesPerSecond = max(32 << 20, Self.size / 4)
            let part = Int.random(in: (blob.size / 20)...(blob.size / 11))
            let reader = try kit.reader(mount)
            try eventually(within: 60, "a part of the layer has moved") {
                proxy.downstreamBytes > before + part || !reader.isRunning
            }
            #expect(reader.isRunning)
            kill(process, SIGKILL)
            #expect(NoiseKit.outcome(reader, within: 20) == .error, "round \(round)")
            #expect(try bench.cachedFiles(below: "layers").isEmpty)
            try mount.unmount()
        }
        proxy.bytesPerSecond = nil
        let mount = try kit.mountAgain(form, .beforeRead, at: proxy.host)
        #expect(try kit.read(mount, within: 120) == .right)
        let moved = proxy.downstreamBytes
        print("killed \(Self.rounds) times, \(form): \(moved) of \(blob.size) bytes moved")
        // Each kill loses the bytes in flight: up to twelve chunks, and what the sockets hold of each. Of a smaller
        // blob, that is a larger part.
        #expect(moved < blob.size * (Self.isSoak ? 12 : 15) / 10, "\(moved) of \(blob.size) moved")
        try eventually(within: 60, "it is committed") {
            try bench.cachedFiles(below: "layers").contains { $0.contains(blob.hex) }
        }
        try mount.unmount()
    }
}
