// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Random kits, each mounted and compared with what plain unpacking makes of it.
///
/// `KITFS_SEED` is the first kit's seed, `KITFS_KITS` how many there are: what a failure prints makes that kit again.
@Suite struct RandomKitTests {
    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    private static let firstSeed = number("KITFS_SEED") ?? 1
    private static let count = number("KITFS_KITS") ?? 40
    /// Kits of one cache and one layout.
    private static let batch: UInt64 = 10

    @Test(arguments: Array(stride(from: 0, to: count, by: Int(batch))))
    func mountedAsUnpacked(_ start: UInt64) throws {
        let bench = try Workbench()
        let layout = try bench.directory.subdirectory("layout")
        for number in start..<min(start + Self.batch, Self.count) {
            let seed = Self.firstSeed &+ number
            let comment: Comment = "again: KITFS_SEED=\(seed) KITFS_KITS=1"
            let tag = "k\(number)"
            do {
                var kit = RandomKit(seed: seed, variety: Self.variety)
                try kit.write(layout: layout, tag: tag)
                let expected = try UnpackedKit(layout: layout, tag: tag)
                // Twice: what is listed from the network first, from the cache later.
                for _ in 0..<2 {
                    let mount = try bench.mount("oci:\(layout):\(tag)")
                    let differences = try Self.differences(mount, from: expected)
                    #expect(
                        differences.isEmpty, "\((differences + expected.summary).joined(separator: "\n"))\n\(comment)")
                    try mount.unmount()
                }
            } catch {
                Issue.record(error, comment)
            }
        }
    }

    private static let variety: RandomKit.Variety = {
        let name = getenv("KITFS_VARIETY").map { String(cString: $0) } ?? ""
        var v = name.hasPrefix("tar") ? RandomKit.Variety.tarAndGzip : .all
        if name.hasSuffix("-") { v.conflicts = false }
        return v
    }()

    /// What is at or below the path of an unusable layer may be refused, and directories above it stand in its place;
    /// what is shown is right there, too, and everywhere else nothing is missing.
    private static func differences(_ mount: Mount, from kit: UnpackedKit) throws -> [String] {
        guard !kit.unusable.isEmpty else { return TreeScan.differences(try TreeScan.scan(mount.path), from: kit.tree) }
        let (entries, refused) = try TreeScan.scanWhatCanBeRead(mount.path)
        let found = entries.filter { entry in
            kit.tree.contains { $0.path == entry.path }
                || !(entry.type == .directory && kit.unusable.contains { $0.isBelow(entry.path) })
        }
        let expected = kit.tree.filter { entry in
            found.contains { $0.path == entry.path } || !refused.contains { Self.isAt(entry.path, orBelow: $0.path) }
        }
        return TreeScan.differences(found, from: expected)
            + refused.filter { refusal in !kit.unusable.contains { $0.covers(refusal.path) } }
            .map { "refused: \(String(decoding: $0.path, as: UTF8.self)): \($0.reason)" }
    }

    private static func isAt(_ path: [UInt8], orBelow top: [UInt8]) -> Bool {
        top == Array(".".utf8) || path == top || path.starts(with: top + [UInt8(ascii: "/")])
    }
}
