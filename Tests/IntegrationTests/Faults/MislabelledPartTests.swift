// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// A proxy that answers a request for a part with that part, but with status 200.
@Suite final class MislabelledPartTests {
    private let bench: CommandFixture
    private let kit: NoiseKit

    init() throws {
        bench = try CommandFixture()
        kit = try NoiseKit([.plain], size: 12 << 20, bench)
    }

    /// Connections break, so a request for the whole is followed by requests for the rest.
    @Test(arguments: NoiseKit.Verify.allCases)
    func isPutWhereItBelongs(_ verify: NoiseKit.Verify) throws {
        let registry = try FaultyRegistry(of: kit.registry, blob: try kit.blob(.plain).hex)
        let mount = try kit.mount(.plain, verify, at: registry.host)
        try Command.check("ls", ["-lR", mount.path])
        registry.faults.mislabelsParts = true
        registry.faults.body = .broken(after: 3 << 20)
        #expect(try kit.read(mount) == .right)
        try mount.unmount()
    }
}
