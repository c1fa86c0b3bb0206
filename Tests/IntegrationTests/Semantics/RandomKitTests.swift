// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// Random kits. Each is mounted, and compared with what plain unpacking gives.
///
/// `KITFS_SEED` is the first kit's seed, and `KITFS_KITS` the number of kits. A failure prints the values that make its
/// kit again.
@Suite struct RandomKitTests {
    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    private static let firstSeed = number("KITFS_SEED") ?? 1
    private static let count = number("KITFS_KITS") ?? 20
    /// The number of kits that share one cache and one layout.
    private static let batch: UInt64 = 10

    @Test(arguments: Array(stride(from: 0, to: count, by: Int(batch))))
    func mountedAsUnpacked(_ start: UInt64) throws {
        let bench = try CommandFixture()
        let layout = try bench.directory.subdirectory("layout")
        for number in start..<min(start + Self.batch, Self.count) {
            let seed = Self.firstSeed &+ number
            let comment: Comment = "again: KITFS_SEED=\(seed) KITFS_KITS=1"
            do {
                var random = RandomKit(seed: seed)
                try random.write(layout: layout, tag: "k\(number)")
                let kit = try UnpackedKit(layout: layout, tag: "k\(number)")
                let first = try bench.mount("oci:\(layout):k\(number)")
                expectNone(try MountedTree(first).differences(from: kit, isKnown: false), kit, comment)
                try first.unmount()
                // Cached layers are known. A mount opens them in the background, and the kernel looks provisional
                // entries up again after a second.
                let second = try bench.mount("oci:\(layout):k\(number)")
                let early = try MountedTree(second)
                if !early.differences(from: kit, isKnown: true).isEmpty {
                    expectNone(early.differences(from: kit, isKnown: false), kit, comment)
                    usleep(1_500_000)
                    expectNone(try MountedTree(second).differences(from: kit, isKnown: true), kit, comment)
                }
                try second.unmount()
            } catch {
                Issue.record(error, comment)
            }
        }
    }

    private func expectNone(_ differences: [String], _ kit: UnpackedKit, _ comment: Comment) {
        #expect(differences.isEmpty, "\((differences + kit.summary).joined(separator: "\n"))\n\(comment)")
    }
}

/// The tree that a mount shows, to be compared with the unpacked one.
private struct MountedTree {
    let entries: [TreeEntry]
    let refused: [(path: [UInt8], code: Int32)]

    init(_ mount: Mount) throws { (entries, refused) = try TreeScan.scanWhatCanBeRead(mount.path) }

    /// Entries at or below the path of an unusable layer may be refused, with directories above it in their place.
    /// Entries that are shown there must be right, and nothing may be missing elsewhere.
    ///
    /// - Parameter isKnown: whether all layers are cached. If not, the declared path of a compressed layer is listed as
    ///   the Kitfile has it, the directories above it are there even if the layer does not need them, and a later layer
    ///   that conflicts with it is shown until it is known.
    func differences(from kit: UnpackedKit, isKnown: Bool) -> [String] {
        let tree = kit.tree.map { entry in
            var entry = entry
            // No lookup reaches into an unreachable layer, so it stays as unknown as at first.
            let isProvisional =
                isKnown ? kit.isAboveAnUnreachableLayer(entry.path) : kit.isAboveALayer(entry.path)
            if isProvisional, entry.type == .directory, let found = entries.first(where: { $0.path == entry.path }) {
                entry.mode = found.mode
            }
            return entry
        }
        let found = entries.filter { entry in
            if !isKnown, kit.isUnusable(entry.path) { return false }
            if tree.contains(where: { $0.path == entry.path }) || entry.type != .directory { return true }
            return isKnown ? !kit.isAboveAnUnusableLayer(entry.path) : !kit.isAboveALayer(entry.path)
        }
        let expected = tree.filter { entry in
            if !isKnown, kit.isUnusable(entry.path) { return false }
            return found.contains { $0.path == entry.path }
                || !refused.contains { kit.isUnusable($0.path) && Self.isAt(entry.path, orBelow: $0.path) }
        }
        let wrongly = refused.filter { refusal in
            if kit.isUnusable(refusal.path) { return false }
            return isKnown || refusal.code != ENOENT || !kit.isDeclared(refusal.path)
        }
        return TreeScan.differences(found, from: expected)
            + wrongly.map { "errno \($0.code): \(String(decoding: $0.path, as: UTF8.self))" }
    }

    private static func isAt(_ path: [UInt8], orBelow top: [UInt8]) -> Bool {
        top == Array(".".utf8) || path == top || path.starts(with: top + [UInt8(ascii: "/")])
    }
}
