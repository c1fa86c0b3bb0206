// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Registries and caches in front of them that give wrong answers. Reads end with the right bytes, or with EIO within
/// the bound, and with the right bytes once the servers work.
@Suite final class ServerFaultTests {
    private let bench: CommandFixture
    private let kit: NoiseKit

    init() throws {
        bench = try CommandFixture()
        kit = try NoiseKit(NoiseKit.Form.allCases, size: 3 << 20, bench)
    }

    private struct Case {
        let what: String
        var faults = FaultyRegistry.Faults()
        var mayFail = false

        init(_ what: String, mayFail: Bool = false, _ change: (inout FaultyRegistry.Faults) -> Void) {
            self.what = what
            self.mayFail = mayFail
            change(&faults)
        }
    }

    private static let isSoak = getenv("KITFS_SOAK") != nil

    private static let cases = [
        // Ten of these answers take twenty seconds.
        Case("503 again and again") { $0.refusals = Array(repeating: (503, [:]), count: isSoak ? 10 : 4) },
        Case("429, come back in a second") { $0.refusals = Array(repeating: (429, ["Retry-After": "1"]), count: 2) },
        Case("500, 502, 504, 408") { $0.refusals = [(500, [:]), (502, [:]), (504, [:]), (408, [:])] },
        Case("416 once", mayFail: true) { $0.refusals = [(416, ["Content-Range": "bytes */17"])] },
        Case("416 for ever", mayFail: true) {
            $0.refusals = Array(repeating: (416, ["Content-Range": "bytes */17"]), count: 1000)
        },
        Case("breaks off every 300 kB") { $0.body = .broken(after: 300_000) },
        Case("breaks off before the first byte, three times") {
            $0.body = .broken(after: 0)
            $0.bodies = 3
        },
        // If the whole blob was requested, this answer looks like a blob of another size.
        Case("gives 300 kB of what was asked for", mayFail: true) { $0.body = .shorter(300_000) },
        Case("gives more than was asked for", mayFail: true) { $0.body = .longer(70_000) },
        Case("gives more than was asked for, once", mayFail: true) {
            $0.body = .longer(1)
            $0.bodies = 1
        },
        Case("is slow to answer") { $0.delay = 0.2 },
    ]

    @Test(
        arguments: [
            (NoiseKit.Form.plain, NoiseKit.Verify.beforeRead), (.plain, .whileStreaming), (.gzip, .whileStreaming),
            (.gzip, .beforeRead), (.zstd, .whileStreaming), (.zstd, .beforeRead),
        ].prefix(isSoak ? 6 : 3))
    func answersOfABadDay(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let registry = try FaultyRegistry(of: kit.registry, blob: try kit.blob(form).hex)
        for fault in Self.cases {
            registry.faults = .init()
            let mount = try kit.mount(form, verify, at: registry.host)
            // The fault is in reading, so the layer is listed first.
            try Command.check("ls", ["-lR", mount.path])
            let before = registry.moved
            registry.faults = fault.faults
            let outcome = try kit.read(mount)
            #expect(outcome == .right || fault.mayFail && outcome == .error, "\(fault.what): \(outcome)")
            let moved = registry.moved - before
            #expect(moved < (3 << 20) * 3, "\(fault.what): \(moved) bytes moved")
            if outcome == .error {
                registry.faults = .init()
                try eventually(within: 20, "\(fault.what): it is read again") { try kit.read(mount) == .right }
            }
            try mount.unmount()
        }
    }

    /// A read waits as long as the registry's Retry-After says.
    @Test func retryAfterIsWaitedFor() throws {
        let registry = try FaultyRegistry(of: kit.registry, blob: try kit.blob(.plain).hex)
        let mount = try kit.mount(.plain, .whileStreaming, at: registry.host)
        try Command.check("ls", ["-lR", mount.path])
        registry.faults.refusals = Array(repeating: (429, ["Retry-After": "2"]), count: 1)
        let begin = monotonicSeconds()
        #expect(try kit.read(mount) == .right)
        #expect(monotonicSeconds() - begin >= 2)
        try mount.unmount()
    }

    @Test(arguments: NoiseKit.Verify.allCases) func refusalsForEver(_ verify: NoiseKit.Verify) throws {
        let registry = try FaultyRegistry(of: kit.registry, blob: try kit.blob(.plain).hex)
        let mount = try kit.mount(.plain, verify, at: registry.host, "--timeout", "2")
        try Command.check("ls", ["-lR", mount.path])
        for refusal in [(503, [:]), (429, ["Retry-After": "3600"])] as [(Int, [String: String])] {
            registry.faults.refusals = Array(repeating: refusal, count: 10_000)
            let begin = monotonicSeconds()
            #expect(try kit.read(mount, within: 20) == .error, "\(refusal.0)")
            #expect(monotonicSeconds() - begin < 6, "\(refusal.0)")
        }
        #expect(try mount.read("README.md").count == 9)
        registry.faults = .init()
        try eventually(within: 20, "it is read again") { try kit.read(mount) == .right }
        try mount.unmount()
    }
}
