// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A network that breaks, stops, or has no server at its other end. Reads end with the right bytes, or with EIO within
/// the bound.
@Suite final class NetworkFaultTests {
    private typealias Form = NoiseKit.Form
    private typealias Verify = NoiseKit.Verify

    private static let isSoak = getenv("KITFS_SOAK") != nil
    private let bench: CommandFixture
    private let kit: NoiseKit
    private let proxy: FaultProxy

    init() throws {
        bench = try CommandFixture()
        kit = try NoiseKit(NoiseKit.Form.allCases, size: 6 << 20, bench)
        proxy = try FaultProxy(upstreamPort: kit.registry.port)
    }

    deinit { proxy.stop() }

    /// Every connection ends after a sixteenth of the blob. A soak tries each number of sixteenths.
    @Test(arguments: NoiseKit.Form.allCases, NoiseKit.Verify.allCases)
    func cutAtEverySixteenth(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        if form == .zstd, verify == .beforeRead { return }
        let size = try kit.blob(form).size
        for part in Self.isSoak ? Array(1..<16) : [1] {
            let mount = try kit.mount(form, verify, at: proxy.host)
            let before = (proxy.downstreamBytes, proxy.connections)
            proxy.cutAfter = size / 16 * part + 600
            #expect(try kit.read(mount) == .right, "\(part)")
            proxy.cutAfter = nil
            #expect(proxy.connections - before.1 >= 16 / part)
            // Bytes in the sockets' buffers at a reset are fetched again.
            let moved = proxy.downstreamBytes - before.0
            #expect(moved < size * 13 / 10, "\(moved) of \(size) moved, cut at \(part)/16")
            try mount.unmount()
        }
    }

    /// The network stops in the middle, and continues.
    @Test(
        arguments: [
            (NoiseKit.Form.plain, NoiseKit.Verify.beforeRead, 2.0), (.gzip, .whileStreaming, 2),
            (.plain, .whileStreaming, 6), (.gzip, .beforeRead, 6), (.plain, .whileStreaming, 12),
            (.zstd, .beforeRead, 12), (.plain, .beforeRead, 45),
        ].prefix(isSoak ? 7 : 2))
    func stallsThatEnd(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify, _ seconds: Double) throws {
        let mount = try kit.mount(form, verify, at: proxy.host)
        let reader = try stallInTheMiddle(mount)
        usleep(UInt32(seconds * 1_000_000))
        #expect(reader.isRunning)
        proxy.stalled = false
        proxy.bytesPerSecond = nil
        #expect(NoiseKit.outcome(reader) == .right)
        try mount.unmount()
    }

    @Test(arguments: NoiseKit.Form.allCases.prefix(2), NoiseKit.Verify.allCases)
    func aStallForEver(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let mount = try kit.mount(form, verify, at: proxy.host, "--timeout", "3")
        let reader = try stallInTheMiddle(mount)
        let begin = monotonicSeconds()
        #expect(NoiseKit.outcome(reader, within: 20) == .error)
        // 1.5 times the time-out, and as much again for a busy machine.
        let waited = monotonicSeconds() - begin
        #expect((2...9).contains(waited), "\(waited) s")
        #expect(try mount.read("Kitfile").isEmpty == false)
        proxy.stalled = false
        proxy.bytesPerSecond = nil
        // For 5 s after a failure, the error may be repeated.
        try eventually(within: 20, "it can be read again") { try kit.read(mount) == .right }
        try mount.unmount()
    }

    private func stallInTheMiddle(_ mount: Mount) throws -> BackgroundProcess {
        proxy.bytesPerSecond = 8 << 20
        let before = proxy.downstreamBytes
        let reader = try kit.reader(mount)
        try eventually(within: 20, "a part has come") { proxy.downstreamBytes > before + (2 << 20) }
        proxy.stalled = true
        return reader
    }

    @Test(arguments: [(NoiseKit.Form.plain, NoiseKit.Verify.whileStreaming), (.gzip, .beforeRead)])
    func theRegistryIsRestartedInMidRead(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let mount = try kit.mount(form, verify, at: proxy.host)
        proxy.bytesPerSecond = 6 << 20
        let before = proxy.downstreamBytes
        let reader = try kit.reader(mount)
        for part in 1...2 {
            try eventually(within: 20, "a part has come") {
                proxy.downstreamBytes > before + part << 20 || !reader.isRunning
            }
            kit.registry.stop()
            usleep(300_000)
            try kit.registry.start()
        }
        #expect(NoiseKit.outcome(reader) == .right)
        try mount.unmount()
    }
}
