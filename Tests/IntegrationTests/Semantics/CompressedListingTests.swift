// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A compressed layer is listed by its head and trailer until its content is cached. From then on, the content decides.
@Suite final class CompressedListingTests {
    private let registry: DockerRegistry
    private let bench: CommandFixture

    init() throws {
        registry = try DockerRegistry()
        bench = try CommandFixture()
    }

    /// The zeros compress to half a mebibyte. With noise before them, the blob has a mebibyte and a half.
    @Test(arguments: [LayerCompression.gzip, .zstd]) func oneLargeFileIsListedByItsEnds(
        _ compression: LayerCompression
    ) throws {
        let size = 512 << 20
        let file = bench.directory.path + "/weights.bin"
        try Command.check("sh", ["-c", "head -c 1M /dev/urandom > \(file); truncate -s \(size) \(file)"])
        // zstd reads a file, so that it knows the length beforehand. The tar ends with two blocks of zeros, as kit
        // writes it.
        let tar = bench.directory.path + "/layer.tar"
        try Command.check("tar", ["--format=ustar", "-b1", "-cf", tar, "-C", bench.directory.path, "weights.bin"])
        try Command.check(compression.rawValue, ["-1", "-q", tar], timeout: 200)
        let blob = tar + (compression == .gzip ? ".gz" : ".zst")
        let blobSize = Int(try Command.check("stat", ["-c", "%s", blob]).output.dropLast()) ?? 0
        // The layer is never read as a whole, so nobody sees that this digest is wrong.
        let hex = String(repeating: "9a", count: 32)
        try registry.plant(blob, hex: hex, in: "large")
        var kit = KitBuilder(directory: try bench.directory.subdirectory("layout"))
        var layer = KitBuilder.Layer(.model, "weights.bin", tar: [])
        layer.compression = compression
        layer.planted = (hex, blobSize)
        kit.add(layer)
        try kit.write(tag: "v1", package: "large")
        try registry.push(layout: bench.directory.path + "/layout", tag: "v1", to: "large:v1")
        try registry.resetRequests()
        let mount = try bench.mount("\(registry.host)/large:v1")
        #expect(try Command.check("ls", ["-l", mount.path]).output.contains(" \(size) "))
        let moved = try registry.bytesMoved(blob: hex)
        print("ls -l of one file of 512 MiB in a \(compression) layer of \(blobSize) bytes: \(moved) bytes moved")
        #expect(moved <= 256 << 10)
        try mount.unmount()
    }

    /// tar(1) pads its last record to 20 blocks, which has room for small members. So a length that fits such padding
    /// does not prove that there are no more members. The large file is the first in the tar.
    @Test(arguments: [LayerCompression.gzip, .zstd], [1, 15]) func smallMembersInTheLastRecord(
        _ compression: LayerCompression, _ smallFiles: Int
    ) throws {
        let tree = try bench.directory.subdirectory("tree")
        try writeFile(tree + "/a.bin", noise(100, seed: 4))
        var names = ["a.bin"]
        for number in 0..<smallFiles {
            // Empty files take one header each.
            try writeFile("\(tree)/b\(number)", [UInt8](repeating: 7, count: smallFiles == 1 ? 300 : 0))
            names.append("b\(number)")
        }
        let file = bench.directory.path + "/layer.tar"
        try Command.check("tar", ["--format=ustar", "-cf", file, "-C", tree] + names)
        let tar = try readFile(file)
        #expect(tar.count % 10_240 == 0)
        var layer = KitBuilder.Layer(.dataset, ".", tar: tar)
        layer.compression = compression
        var kit = KitBuilder(directory: try bench.directory.subdirectory("layout"))
        kit.add(layer)
        try kit.write(tag: "v1", package: "record")
        let reference = "oci:\(bench.directory.path)/layout:v1"
        let listed = try bench.kitfs("ls", reference).split(separator: "\n").map(String.init)
        #expect(Set(names).isSubset(of: listed))
        let mount = try bench.mount(reference)
        for name in names { #expect(mount.openError(name) == 0) }
        try mount.unmount()
    }

    private static let first = noise(100_000, seed: 1)
    private static let last = noise(40_000, seed: 2)

    /// Two gzip members. The second has the length that the whole would have if the first file were the only one. The
    /// first file is not the only one, and a later member has the same path.
    private func lyingKit() throws -> String {
        var tar = TarBuilder()
        tar.file("data/a", Self.first)
        let end = tar.bytes.count
        tar.file("data/b", noise(5000, seed: 3))
        tar.file("data/a", Self.last)
        let bytes = tar.finish()
        var layer = KitBuilder.Layer(.dataset, "data", tar: bytes)
        layer.compression = .gzip
        let head = bytes.count - (end + 1024)
        let blob =
            try LayerCompression.gzip.compress(Array(bytes[..<head]))
            + LayerCompression.gzip.compress(Array(bytes[head...]))
        layer.damage = { _ in blob }
        var kit = KitBuilder(directory: try bench.directory.subdirectory("lying"))
        kit.add(layer)
        try kit.write(tag: "v1", package: "lying")
        return "oci:\(bench.directory.path)/lying:v1"
    }

    /// The mount has shown the wrong listing, and its kernel has cached it.
    @Test(arguments: NoiseKit.Verify.allCases) func aTrailerThatLies(_ verify: NoiseKit.Verify) throws {
        let mount = try bench.mount(try lyingKit(), "--verify", verify.rawValue)
        #expect(try Command.check("ls", [mount.path + "/data"]).output == "a\n")
        #expect(try Command.check("stat", ["-c", "%s", mount.path + "/data/a"]).output == "100000\n")
        #expect(mount.openError("data/b") == ENOENT)
        var early: OpenedFile?
        if verify == .whileStreaming {
            // The file is opened before the layer is whole. Its early bytes may be wrong, but not for long.
            early = try OpenedFile(mount.path + "/data/a")
            #expect(early?.read(0..<100_000) == .success(Self.first))
            try eventually(within: 10, "it is verified") { early?.error(at: 0) != 0 }
        } else {
            #expect(try mount.read("data/a") == Self.last)
        }
        try eventually(within: 10, "the kernel has forgotten") {
            try Command.check("ls", [mount.path + "/data"]).output == "a\nb\n"
        }
        #expect(
            try Command.check("stat", ["-c", "%s", mount.path + "/data/a", mount.path + "/data/b"]).output
                == "40000\n5000\n")
        #expect(try mount.read("data/a") == Self.last)
        #expect(try mount.read("data/b") == noise(5000, seed: 3))
        // Either the inode or the stream is stale, whichever is checked first.
        if let early { #expect([EIO, ESTALE].contains(early.error(at: 0))) }
        early?.close()
        try mount.unmount()
        // The next mount lists the layer correctly.
        let next = try bench.mount(try lyingKit())
        #expect(try Command.check("ls", [next.path + "/data"]).output == "a\nb\n")
        try next.unmount()
    }
}
