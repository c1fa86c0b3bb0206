// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Small verified files are in the page cache once they are open, so no read of them asks the mount's process.
@Suite struct SmallFileTests {
    /// A kit with one file, `data/file`.
    private static func kit(_ content: [UInt8], _ bench: CommandFixture) throws -> String {
        let layout = try bench.directory.subdirectory("layout")
        var tar = TarBuilder()
        tar.file("data/file", content)
        var builder = KitBuilder(directory: layout)
        try builder.addLayer(kind: .dataset, path: "data", tar: tar.finish())
        try builder.write(tag: "v1", package: "small")
        return "oci:\(layout):v1"
    }

    /// Whether the kernel has all pages of a file. Nothing is read for that.
    private func isResident(_ descriptor: Int32, _ size: Int) throws -> Bool {
        guard let memory = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), memory != MAP_FAILED else {
            throw TestSupportError("mmap: \(errno)")
        }
        defer { munmap(memory, size) }
        var pages = [UInt8](repeating: 0, count: (size + 4095) / 4096)
        guard mincore(memory, size, &pages) == 0 else { throw TestSupportError("mincore: \(errno)") }
        return pages.allSatisfy { $0 & 1 != 0 }
    }

    @Test(arguments: [1, 4095, 4096, 5000, 65_536]) func theKernelHasThemOnceTheyAreOpen(_ size: Int) throws {
        let bench = try CommandFixture()
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let kit = try Self.kit(content, bench)
        let mount = try bench.mount(kit)
        _ = try mount.read("data/file")  // brings the layer
        try mount.unmount()
        let again = try bench.mount(kit)
        let file = open(again.path + "/data/file", O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        #expect(try isResident(file, size))
        #expect(try again.read("data/file") == content)
    }

    /// Only the parts of larger files that are read are in the page cache.
    @Test func largerOnesAreNot() throws {
        let bench = try CommandFixture()
        let kit = try Self.kit([UInt8](repeating: 7, count: 300_000), bench)
        let mount = try bench.mount(kit)
        _ = try mount.read("data/file")
        try mount.unmount()
        let again = try bench.mount(kit)
        let file = open(again.path + "/data/file", O_RDONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        #expect(try !isResident(file, 300_000))
    }
}
