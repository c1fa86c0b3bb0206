// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A cache that is too small for all of a kit: what was not used for the longest time goes, what is open stays.
@Suite(.enabled(if: geteuid() == 0, "only root can mount a tmpfs")) struct RoomTests {
    private let bench: Workbench
    private let layout: String
    private static let size = 2 << 20
    private static let count = 8

    /// Eight layers of 2 MiB.
    init() throws {
        bench = try Workbench()
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
        try Command.check("mount", ["-t", "tmpfs", "-o", "size=7m", "tmpfs", small])
        bench.environment["KITFS_CACHE"] = small + "/cache"
        return small
    }

    /// One mount reads far more than its disk holds, one file after the other, twice.
    @Test func oneAfterTheOther() throws {
        _ = try smallDisk()
        let mount = try bench.mount("oci:\(layout):v1")
        for round in 0..<2 {
            for number in 0..<Self.count {
                #expect(try mount.read("d\(number)") == Self.content(number), "round \(round), layer \(number)")
            }
        }
        try mount.unmount()
    }

    /// What is open stays; where nothing else is left, ENOSPC, and as soon as one is closed there is room again.
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

    @Test func aLimit() throws {
        let mount = try bench.mount("oci:\(layout):v1", "--cache-limit", "7MiB")
        for number in 0..<Self.count { #expect(try mount.read("d\(number)") == Self.content(number)) }
        let kilobytes = try Command.check("du", ["-sk", bench.cache + "/layers"]).output.prefix { $0.isNumber }
        #expect(try #require(Int(kilobytes)) <= 7 << 10)
        try mount.unmount()
        let pulled = try bench.run(["pull", "oci:\(layout):v1", "--cache-limit", "1MiB"])
        #expect(pulled.exitCode == 1 && pulled.errorOutput.contains("limit"), "\(pulled.errorOutput)")
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
        #expect(try bench.kitfs("cache", "prune", "--max-size", "5MiB").hasPrefix("3 layers deleted"))
        #expect(try bench.cachedFiles(below: "layers").filter { $0.hasSuffix("/state") }.count == 2)
    }
}
