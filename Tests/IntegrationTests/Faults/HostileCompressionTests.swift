// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Compressed layers that end too early, too late or not at all, and layers of very many members.
@Suite struct HostileCompressionTests {
    private let bench: CommandFixture
    private let layout: String

    init() throws {
        bench = try CommandFixture()
        layout = try bench.directory.subdirectory("layout")
    }

    /// Mounts a kit of a good layer and one more, which must not be in the cache afterwards.
    private func mount(_ layer: KitBuilder.Layer) throws -> (mount: Mount, hex: String) {
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.docs, "good", raw: [1, 2, 3]))
        kit.add(layer)
        try kit.write(tag: "v1", package: "hostile")
        return (try bench.mount("oci:\(layout):v1"), Sha256.hex(try layer.blob))
    }

    private func expectGone(_ hex: String) throws {
        for part in ["layers", "partial", "trash"] {
            #expect(try bench.cachedFiles(below: part).allSatisfy { !$0.contains(hex) })
        }
    }

    private static let damages: [(what: String, damage: @Sendable ([UInt8]) -> [UInt8])] = [
        ("cut", { Array($0.prefix($0.count / 2)) }),
        ("cut at the end", { $0.dropLast() }),
        ("empty", { _ in [] }),
        ("followed by noise", { $0 + [UInt8](repeating: 0x5a, count: 100) }),
        ("not compressed at all", { _ in [UInt8](repeating: 0x20, count: 3000) }),
        ("wrong in the middle", { $0.enumerated().map { $0.offset == 60 ? ~$0.element : $0.element } }),
    ]

    @Test(arguments: [LayerCompression.gzip, .zstd], 0..<damages.count)
    func streamsThatAreNone(_ compression: LayerCompression, _ number: Int) throws {
        var tar = TarBuilder()
        tar.directory("data")
        for name in 0..<9 { tar.file("data/\(name)", (0..<999).map { UInt8(truncatingIfNeeded: $0 * $0 * name) }) }
        var layer = KitBuilder.Layer(.dataset, "data", tar: tar.finish())
        layer.compression = compression
        layer.damage = Self.damages[number].damage
        let (mount, hex) = try mount(layer)
        #expect(mount.openError("data/3") == EIO, "\(Self.damages[number].what)")
        #expect(try mount.read("good") == [1, 2, 3])
        let log = try mount.log()
        #expect(log.split(separator: "\n").contains { $0.contains(hex) }, "\(log)")
        try expectGone(hex)
        try mount.unmount()
    }

    /// A gibibyte of one letter compresses to few bytes. It claims to be a tebibyte, and the cache has 64 MiB.
    @Test(.enabled(if: geteuid() == 0, "only root can mount a tmpfs"), arguments: [LayerCompression.gzip, .zstd])
    func inflatingBeyondTheDisk(_ compression: LayerCompression) throws {
        let small = try bench.directory.subdirectory("small")
        try Command.check("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", small])
        bench.environment["KITFS_CACHE"] = small + "/cache"
        let letters = try Command.check(
            "sh", ["-c", "head -c 64M /dev/zero | tr '\\0' x | \(compression.rawValue) -c"], timeout: 100
        ).stdout
        var tar = TarBuilder()
        tar.directory("data")
        tar.raw(Array("data/endless".utf8)) {
            $0.replaceSubrange(124..<136, with: [0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0])
        }
        var layer = KitBuilder.Layer(.dataset, "data", tar: tar.bytes)
        layer.compression = compression
        layer.damage = { $0 + Array(repeatElement(letters, count: 16).joined()) }
        let (mount, _) = try mount(layer)
        #expect(mount.openError("data/endless") == ENOSPC)
        #expect(try mount.read("good") == [1, 2, 3])
        try eventually(within: 10, "the room is free again") {
            let kilobytes = try Command.check("du", ["-sk", small]).output.prefix { $0.isNumber }
            return Int(kilobytes).map { $0 < 1024 } ?? false
        }
        #expect(mount.openError("data/endless") == ENOSPC)
        #expect(try mount.read("good") == [1, 2, 3])
        try mount.unmount()
    }

    /// A million members in a soak, and fewer in other runs. All are listed, in bounded memory.
    @Test(arguments: [LayerCompression.gzip]) func veryManyEmptyMembers(_ compression: LayerCompression) throws {
        let count = getenv("KITFS_SOAK") == nil ? 20_000 : 1_000_000
        let file = bench.directory.path + "/many"
        try Command.check(
            "sh", ["-c", "perl -e '\(Self.manyMembers)' \(count) | \(compression.rawValue) -1 > \(file)"], timeout: 200)
        let bytes = try readFile(file)
        var layer = KitBuilder.Layer(.dataset, "data", tar: [])
        layer.compression = compression
        layer.damage = { _ in bytes }
        let (mount, _) = try mount(layer)
        let names = try Command.check("sh", ["-c", "ls -U \(mount.path)/data | wc -l"], timeout: 300).output
        #expect(names == "\(count)\n")
        #expect(try mount.read("data/f\(count - 1)").isEmpty)
        #expect(try mount.read("good") == [1, 2, 3])
        let status = String(decoding: try readFile("/proc/\(try mount.process())/status"), as: UTF8.self)
        let peak = try #require(status.firstMatch(of: #/VmHWM:\s+([0-9]+) kB/#).flatMap { Int($0.output.1) })
        #expect(peak < 512 << 10)
        try mount.unmount()
    }

    private static let manyMembers = """
        for ($i = 0; $i < $ARGV[0]; $i++) { \
        $h = pack("a100 a8 a8 a8 a12 a12 A8 a1 a100 a8 x247", "data/f$i", "0000644", "0001750", "0000000", \
        "00000000000", "00000000000", "", "0", "", "ustar\\x{0}00"); \
        substr($h, 148, 8) = sprintf("%06o\\0 ", unpack("%32C*", $h)); print $h; } \
        print "\\0" x 1024;
        """
}
