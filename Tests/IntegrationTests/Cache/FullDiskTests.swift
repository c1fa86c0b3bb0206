// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A cache on a disk of 16 MiB, and a layer of 32 MiB.
@Suite struct FullDiskTests {
    private let registry: DockerRegistry
    private let bench: CommandFixture
    private static let hex = String(repeating: "e5", count: 32)
    private static let size = 32 << 20

    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
        let tar = try SparseTar(path: bench.directory.path + "/layer", step: 1 << 16)
        try tar.member("weights.bin", number: 1, size: Self.size)
        try tar.finish()
        try registry.plant(tar.path, hex: Self.hex, in: "large")
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        var layer = KitBuilder.Layer(.model, "weights.bin", tar: [])
        layer.planted = (Self.hex, tar.size)
        kit.add(layer)
        kit.add(.init(.docs, "README.md", raw: [1, 2, 3]))
        try kit.write(tag: "v1", package: "large")
        try registry.push(layout: layout, tag: "v1", to: "large:v1")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a tmpfs"), arguments: NoiseKit.Verify.allCases)
    func whatCannotFit(_ verify: NoiseKit.Verify) throws {
        let small = try bench.directory.subdirectory("small")
        try Command.check("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", small])
        bench.environment["KITFS_CACHE"] = small + "/cache"
        let mount = try bench.mount("\(registry.host)/large:v1", "--verify", verify.rawValue)
        try Command.check("ls", ["-l", mount.path])
        try registry.resetRequests()
        if verify == .beforeRead {
            #expect(mount.openError("weights.bin") == ENOSPC)
            #expect(try registry.bytesMoved(blob: Self.hex) == 0)
        } else {
            // The layer is read as far as there is space.
            let file = try OpenedFile(mount.path + "/weights.bin")
            #expect(file.read(0..<(1 << 20)) == .success(SparseTar.bytes(number: 1, 0..<(1 << 20), step: 1 << 16)))
            guard case .failure(let error) = file.read(0..<Self.size) else {
                Issue.record("more was read than there is room for")
                return
            }
            #expect(error.number == ENOSPC)
        }
        #expect(try mount.read("README.md") == [1, 2, 3])
        // With more space the layer is fetched to its end. Its digest is wrong, so only what is read while it streams
        // can be read.
        try Command.check("mount", ["-o", "remount,size=64m", small])
        if verify == .whileStreaming {
            try eventually(within: 20, "there is room") {
                let file = try OpenedFile(mount.path + "/weights.bin")
                let end = (Self.size - 100)..<Self.size
                return file.read(end) == .success(SparseTar.bytes(number: 1, end, step: 1 << 16))
            }
        } else {
            #expect(mount.openError("weights.bin") == EIO)
            #expect(try registry.bytesMoved(blob: Self.hex) >= Self.size)
        }
        try mount.unmount()
    }

    /// The disk has free bytes and no free inodes, as with a used-up quota. Fetches that cannot continue fail, and
    /// request little more than the blob once.
    @Test(
        .enabled(if: geteuid() == 0, "only root can mount a tmpfs"), arguments: [NoiseKit.Form.plain, .gzip],
        NoiseKit.Verify.allCases)
    func noInodes(_ form: NoiseKit.Form, _ verify: NoiseKit.Verify) throws {
        var tar = TarBuilder()
        for number in 0..<40 { tar.file("d/\(number)", noise(1 << 20, seed: UInt64(number))) }
        let layout = try bench.directory.subdirectory("members")
        var kit = KitBuilder(directory: layout)
        var layer = KitBuilder.Layer(.dataset, "d", tar: tar.finish())
        layer.compression = LayerCompression(rawValue: form.rawValue)
        kit.add(layer)
        try kit.write(tag: "v1", package: "members")
        try registry.push(layout: layout, tag: "v1", to: "members:v1")
        let small = try bench.directory.subdirectory("inodes")
        try Command.check("mount", ["-t", "tmpfs", "-o", "size=200m,nr_inodes=50", "tmpfs", small])
        bench.environment["KITFS_CACHE"] = small + "/cache"
        let mount = try bench.mount("\(registry.host)/members:v1", "--verify", verify.rawValue)
        try registry.resetRequests()
        let reader = try BackgroundProcess("cat", [mount.path + "/d/39"])
        #expect(reader.waitForExit(timeout: 60) == (verify == .beforeRead || form == .gzip ? 1 : 0))
        #expect(try registry.totalBlobBytes() < 100 << 20)
        try mount.unmount()
    }
}
