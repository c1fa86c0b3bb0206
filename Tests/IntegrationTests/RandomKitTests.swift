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
                // Twice: what is listed from the source first, from the cache later.
                for look in [Look.first, .cached] {
                    let mount = try bench.mount("oci:\(layout):\(tag)")
                    let differences = try look.differences(mount, from: expected)
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
}

/// How much a mount may know.
private enum Look {
    /// Before a compressed layer is here, its declared path is listed as the Kitfile has it, and of the directories
    /// above it is not known which modes they have.
    case first
    case cached

    /// What is at or below the path of an unusable layer may be refused, and directories above it stand in its place;
    /// what is shown is right there, too, and everywhere else nothing is missing.
    func differences(_ mount: Mount, from kit: UnpackedKit) throws -> [String] {
        let (entries, refused) = try TreeScan.scanWhatCanBeRead(mount.path)
        let tree = kit.tree.map { entry in
            var entry = entry
            let isProvisional = self == .first && entry.type == .directory && kit.isAboveALayer(entry.path)
            if isProvisional, let found = entries.first(where: { $0.path == entry.path }) { entry.mode = found.mode }
            return entry
        }
        let found = entries.filter { entry in
            tree.contains { $0.path == entry.path }
                || !(entry.type == .directory && kit.isAboveAnUnusableLayer(entry.path))
        }
        let expected = tree.filter { entry in
            found.contains { $0.path == entry.path }
                || !refused.contains { kit.isUnusable($0.path) && Self.isAt(entry.path, orBelow: $0.path) }
        }
        let wrongly = refused.filter { refusal in
            if kit.isUnusable(refusal.path) { return false }
            return self == .cached || refusal.code != ENOENT || !kit.isDeclared(refusal.path)
        }
        return TreeScan.differences(found, from: expected)
            + wrongly.map {
                "refused: \(String(decoding: $0.path, as: UTF8.self)): \(String(cString: strerror($0.code)))"
            }
    }

    private static func isAt(_ path: [UInt8], orBelow top: [UInt8]) -> Bool {
        top == Array(".".utf8) || path == top || path.starts(with: top + [UInt8(ascii: "/")])
    }
}
