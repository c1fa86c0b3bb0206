// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// What `cache list` shows of each layer.
@Suite struct CacheListTests {
    private struct Row: Decodable {
        let digest: String
        let form: String
        let kind: String?
        let kits: [String]
        let size: Int
        let cached: Int
        let onDisk: Int
        let whole: Bool
        let lastUse: Int
        let inUse: Bool
        let mounts: [String]
    }

    private let bench: CommandFixture
    private let references: [String]

    /// Two kits that share a dataset.
    init() throws {
        bench = try CommandFixture()
        references = ["v1", "v2"].map { "oci:\(Fixtures.layout("sharing")):\($0)" }
    }

    private func rows() throws -> [Row] {
        try JSONDecoder().decode([Row].self, from: Data(bench.kitfs("cache", "list", "--json").utf8))
    }

    @Test func wholeLayers() throws {
        #expect(try rows().isEmpty)
        for reference in references { try bench.kitfs("pull", reference) }
        let all = try rows()
        let both = try #require(all.first { $0.kits.count == 2 })
        #expect(both.kind == "dataset" && Set(both.kits) == Set(references))
        #expect(all.contains { $0.kits == [references[0]] } && all.contains { $0.kits == [references[1]] })
        for row in all {
            #expect(row.digest.hasPrefix("sha256:") && row.form == "tar" && row.whole && row.cached == row.size)
            #expect(row.onDisk > 0 && !row.inUse && row.mounts.isEmpty && time(nil) - row.lastUse < 120)
        }
        let mount = try bench.mount(references[0])
        try eventually(within: 5, "the mount's layers are listed as its own") {
            try rows().filter { $0.mounts == [mount.path] && $0.inUse }.count
                == all.filter { $0.kits.contains(references[0]) }.count
        }
        #expect(try rows().contains { !$0.inUse && $0.kits == [references[1]] })
        try mount.unmount()
    }

    @Test func partsOfLayers() throws {
        let kit = try NoiseKit([.plain], size: 8 << 20, bench)
        let mount = try kit.mountAgain(.plain, .whileStreaming)
        try Command.check("dd", ["if=\(mount.path)/weights.bin", "of=/dev/null", "bs=4k", "count=1", "skip=1000"])
        let row = try #require(try rows().first { !$0.whole })
        #expect(row.cached > 0 && row.cached < row.size && row.onDisk < 4 << 20 && row.mounts == [mount.path])
        #expect(try bench.kitfs("cache", "list").contains(#/ [1-9][0-9]?% /#))
        try mount.unmount()
    }
}
