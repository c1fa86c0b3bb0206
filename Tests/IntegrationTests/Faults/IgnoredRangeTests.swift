// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A registry that answers each request for a part with the whole blob, as a cache may that does not have the blob yet.
@Suite final class IgnoredRangeTests {
    private static let size = 24 << 20
    private let bench: CommandFixture
    private let kit: NoiseKit

    init() throws {
        bench = try CommandFixture()
        kit = try NoiseKit([.plain, .gzip], size: Self.size, bench)
    }

    /// A file is read from its start, or from another offset first.
    @Test(arguments: [NoiseKit.Form.plain, .gzip], NoiseKit.Verify.allCases)
    func theWholeIsTakenInstead(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let blob = try kit.blob(form)
        let registry = try FaultyRegistry(of: kit.registry, blob: blob.hex)
        // With verification before reads, the offset makes no difference.
        for isFromTheEnd in verify == .beforeRead ? [false] : [form == .plain] {
            let mount = try kit.mount(form, verify, at: registry.host)
            try Command.check("ls", ["-lR", mount.path])
            registry.faults.ignoresRange = true
            let before = registry.moved
            if isFromTheEnd {
                let file = try OpenedFile(mount.path + "/weights.bin")
                #expect(file.error(at: Self.size - 10) == 0)
                #expect(file.error(at: Self.size / 2) == 0)
                file.close()
            }
            #expect(try kit.read(mount) == .right)
            // The whole blob, what a reader took before the fault was known, and what sockets held when they were
            // closed.
            let moved = registry.moved - before
            print("Range ignored, \(form), \(verify.rawValue): \(moved) of \(blob.size) bytes")
            #expect(moved < blob.size * 22 / 10, "\(moved) of \(blob.size) moved")
            try mount.unmount()
            registry.faults.ignoresRange = false
        }
    }

    /// The listing, too, finds its headers in the whole blob.
    @Test(arguments: [NoiseKit.Form.plain, .gzip], NoiseKit.Verify.allCases)
    func fromTheFirstRequestOn(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        let blob = try kit.blob(form)
        let registry = try FaultyRegistry(of: kit.registry, blob: blob.hex)
        registry.faults.ignoresRange = true
        let mount = try kit.mount(form, verify, at: registry.host)
        #expect(try Command.check("ls", ["-lR", mount.path]).output.contains(" \(Self.size) "))
        #expect(try kit.read(mount) == .right)
        print("Range ignored from the listing on, \(form), \(verify.rawValue): \(registry.moved) of \(blob.size) bytes")
        #expect(registry.moved < blob.size * 3, "\(registry.moved) of \(blob.size) moved")
        try mount.unmount()
    }

    /// Once the stream has ended, parts are requested again.
    @Test func rangesAreUsedOnceTheyWork() throws {
        let blob = try kit.blob(.plain)
        let registry = try FaultyRegistry(of: kit.registry, blob: blob.hex)
        let mount = try kit.mount(.plain, .whileStreaming, at: registry.host, "--timeout", "2")
        try Command.check("ls", ["-lR", mount.path])
        registry.faults.ignoresRange = true
        registry.faults.body = .broken(after: 4 << 20)
        let file = try OpenedFile(mount.path + "/weights.bin")
        // Each time, the stream breaks before it reaches this offset.
        #expect(file.error(at: Self.size - 10) == EIO)
        registry.faults = .init()
        try eventually(within: 20, "parts are had again") { file.error(at: Self.size - 10) == 0 }
        let before = registry.moved
        #expect(file.error(at: Self.size / 2) == 0)
        #expect(registry.moved - before < 4 << 20)
        file.close()
        #expect(try kit.read(mount) == .right)
        try mount.unmount()
    }
}
