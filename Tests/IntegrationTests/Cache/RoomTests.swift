// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A cache that is too small for all of a kit. The layer that was unused for longest is evicted, and open layers stay.
@Suite(.enabled(if: geteuid() == 0, "only root can mount a tmpfs")) struct RoomTests {
    private let bench: CommandFixture
    private let layout: String
    private static let isSoak = getenv("KITFS_SOAK") != nil
    /// The size of each layer. A soak has ten layers of 20 MiB on a disk of 64 MiB; other runs have eight of 6 MiB on
    /// one of 21 MiB.
    private static let size = isSoak ? 20 << 20 : 6 << 20
    private static let count = isSoak ? 10 : 8
    private static let room = isSoak ? 64 << 20 : 21 << 20

    init() throws {
        bench = try CommandFixture()
        layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        for number in 0..<Self.count { kit.add(.init(.dataset, "d\(number)", raw: Self.content(number))) }
        try kit.write(tag: "v1", package: "wide")
    }

    private static func content(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(number), count: size - 8) + Array("number \(number)".utf8)
    }

    private func smallDisk() throws -> String {
        let small = try bench.directory.subdirectory("small")
        try Command.check("mount", ["-t", "tmpfs", "-o", "size=\(Self.room)", "tmpfs", small])
        bench.environment["KITFS_CACHE"] = small + "/cache"
        return small
    }

    /// One mount reads far more than its disk holds, file after file, twice.
    @Test(arguments: NoiseKit.Verify.allCases) func oneAfterTheOther(_ verify: NoiseKit.Verify) throws {
        _ = try smallDisk()
        let mount = try bench.mount("oci:\(layout):v1", "--verify", verify.rawValue)
        for round in 0..<2 {
            for number in 0..<Self.count {
                #expect(try mount.read("d\(number)") == Self.content(number), "round \(round), layer \(number)")
            }
        }
        try mount.unmount()
    }

    /// Open layers stay. If all are open, the next open fails with ENOSPC, and succeeds once one of them is closed.
    @Test func allHeldOpen() throws {
        _ = try smallDisk()
        let mount = try bench.mount("oci:\(layout):v1")
        var held = (0..<3).map { open(mount.path + "/d\($0)", O_RDONLY | O_CLOEXEC) }
        defer { for descriptor in held { close(descriptor) } }
        #expect(held.allSatisfy { $0 >= 0 })
        #expect(mount.openError("d3") == ENOSPC)
        for (number, descriptor) in held.enumerated() {
            var byte: UInt8 = 99
            #expect(pread(descriptor, &byte, 1, 1000) == 1 && byte == number)
        }
        close(held.removeLast())
        #expect(try mount.read("d3") == Self.content(3))
        try bench.kitfs("status")
        for descriptor in held { close(descriptor) }
        held = []
        try mount.unmount()
    }

    /// The disk space of all layers, whole or partial.
    private func used() throws -> Int {
        let total = try Command.check("du", ["-sck", bench.cache + "/layers", bench.cache + "/partial"]).output
        return try #require(Int(total.split(separator: "\n").last?.prefix { $0.isNumber } ?? "")) << 10
    }

    @Test(arguments: NoiseKit.Verify.allCases) func aLimit(_ verify: NoiseKit.Verify) throws {
        let mount = try bench.mount("oci:\(layout):v1", "--cache-limit", "\(Self.room)", "--verify", verify.rawValue)
        for number in 0..<Self.count {
            #expect(try mount.read("d\(number)") == Self.content(number))
            let used = try used()
            #expect(used <= Self.room, "\(used) after layer \(number)")
        }
        try mount.unmount()
        let pulled = try bench.run(["pull", "oci:\(layout):v1", "--cache-limit", "1MiB"])
        #expect(pulled.exitCode == 1 && pulled.errorOutput.contains("limit"), "\(pulled.errorOutput)")
    }

    /// A layer that is larger than the limit is read in parts, as far as the limit allows. Then a read fails with
    /// ENOSPC, and other layers can still be read.
    @Test(arguments: [nil, LayerCompression.gzip]) func moreThanTheLimit(_ compression: LayerCompression?) throws {
        var random = SplitMix64(seed: 64)
        let words = (0..<Self.room / 6).map { _ in random.next() }
        let content = words.withUnsafeBytes { Array($0) }
        var kit = KitBuilder(directory: layout)
        var tar = TarBuilder()
        tar.file("large", content)
        try kit.addLayer(kind: .model, path: "large", tar: tar.finish(), compression: compression)
        kit.add(.init(.docs, "README.md", raw: [1, 2, 3]))
        try kit.write(tag: "large", package: "large")
        let mount = try bench.mount(
            "oci:\(layout):large", "--cache-limit", "\(Self.room)", "--verify", "while-streaming")
        let file = try OpenedFile(mount.path + "/large")
        let part = Self.room / 8
        let isRead = file.read(0..<part) == .success(Array(content[..<part]))
        let log = try mount.log()
        #expect(isRead, "\(log)")
        guard case .failure(let error) = file.read(0..<content.count) else {
            Issue.record("more was read than there is room for")
            return
        }
        #expect(error.number == ENOSPC)
        #expect(try used() <= Self.room)
        file.close()
        #expect(try mount.read("README.md") == [1, 2, 3])
        try mount.unmount()
    }

    @Test func pruneByAgeAndSize() throws {
        try bench.kitfs("pull", "oci:\(layout):v1")
        let states = try Command.check("sh", ["-c", "ls -d \(bench.cache)/layers/*/state"]).output.split(
            separator: "\n")
        #expect(states.count == Self.count)
        for state in states.prefix(3) { try Command.check("touch", ["-d", "10 days ago", String(state)]) }
        #expect(try bench.kitfs("cache", "prune", "--older-than", "7d", "--dry-run").hasPrefix("3 layers would be"))
        #expect(try bench.kitfs("cache", "prune").hasPrefix("0 layers deleted"))
        #expect(try bench.kitfs("cache", "prune", "--older-than", "7d").hasPrefix("3 layers deleted"))
        let rest = Self.count - 3
        #expect(try bench.kitfs("cache", "prune", "--max-size", "\(Self.size * 5 / 2)").hasPrefix("\(rest - 2) layers"))
        #expect(try bench.cachedFiles(below: "layers").filter { $0.hasSuffix("/state") }.count == 2)
    }
}
