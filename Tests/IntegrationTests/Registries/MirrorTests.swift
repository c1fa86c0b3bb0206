// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

/// nginx as a mirror in registries.conf. However the mirror fails, reads continue from the origin.
@Suite struct MirrorTests {
    private static let model = "4529e69374591634aa30749d50981a5767fbaf5822bc2a668acea0c427cce0fd"
    private let home: UserHome
    private let registry: DockerRegistry
    private let mirror: CachingMirror
    private let line: FaultProxy
    private let reference: String

    init() throws {
        home = try UserHome()
        registry = try DockerRegistry()
        try registry.push(layout: Fixtures.layout("plain-small"), tag: "v1", to: "team/kit:v1")
        mirror = try CachingMirror(of: registry)
        line = try FaultProxy(upstreamPort: mirror.port)
        reference = "\(registry.host)/team/kit:v1"
        try home.registries(
            """
            [[registry]]
            prefix = "\(registry.host)"
            location = "\(registry.host)"
            [[registry.mirror]]
            location = "\(line.host)"
            """)
    }

    private func expectTruth(_ mount: Mount, _ comment: Comment) throws {
        expectTree(try TreeScan.scan(mount.path), equals: try Fixtures.truth("plain-small"), comment)
    }

    /// Fills the mirror's cache, and leaves the command's cache empty.
    private func fillMirror() throws {
        let mount = try home.mount(reference, "--cache", home.path + "/another")
        try expectTruth(mount, "through the mirror")
        try home.unmount(mount)
    }

    /// Reads work even if the registry is gone.
    @Test func aMirrorThatWorks() throws {
        try fillMirror()
        let asked = try registry.requests()
        #expect(asked.isEmpty == false)
        registry.stop()
        let hits = mirror.hits
        let again = try home.mount(reference)
        try expectTruth(again, "from the mirror's cache")
        #expect(mirror.hits > hits)
        try home.unmount(again)
    }

    enum Fault: String, CaseIterable { case stopped, lacks, refuses, fails, stalls, cut, corrupt }

    @Test(arguments: Fault.allCases) func aMirrorThatBreaks(_ fault: Fault) throws {
        try fillMirror()
        let mount = try home.mount(reference, "--timeout", "4")
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains("weights"))
        try registry.resetRequests()
        switch fault {
        case .stopped: mirror.stop()
        case .lacks: try mirror.start(answering: 404)
        case .refuses: try mirror.start(answering: 403)
        case .fails: try mirror.start(answering: 500)
        case .stalls: line.stalled = true
        case .cut: line.cutAfter = 100_000
        case .corrupt: #expect(try mirror.corruptCache(over: 2_000_000) >= 1)
        }
        try expectTruth(mount, "\(fault.rawValue)")
        let requests = try registry.requests().filter { $0.blobHex == Self.model }
        if fault == .cut {
            // Bytes that the mirror gave are not fetched again. The mirror may have given all, piece by piece.
            #expect(requests.reduce(0) { $0 + $1.bytesWritten } < 2_000_000)
        } else {
            #expect(requests.isEmpty == false)
        }
        // For the next mount, the mirror is already broken when the mount starts.
        if fault != .corrupt, fault != .cut {
            let next = try home.mount(reference, "--cache", home.path + "/other", "--timeout", "4")
            #expect(try next.read("README.md").count == 26)
            try next.unmount()
        }
        try home.unmount(mount)
    }

    /// If both have wrong bytes, reads fail.
    @Test func whenTheOriginIsWrongToo() throws {
        try registry.flipByte(hex: Self.model, at: 1_000_000)
        let mount = try home.mount(reference, "--timeout", "4")
        #expect(mount.openError("model/weights.safetensors") == 5)
        try registry.flipByte(hex: Self.model, at: 1_000_000)
        try eventually(within: 10, "the mended origin is asked") { mount.openError("model/weights.safetensors") == 0 }
        try expectTruth(mount, "mended")
        try home.unmount(mount)
    }
}
