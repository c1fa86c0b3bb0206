// SPDX-License-Identifier: Apache-2.0
import Glibc
import TestSupport
import Testing

/// A verdict that is based on unverified bytes is not final. Once the registry has the right bytes, the same mount
/// shows and reads the layer, and so does another process with the same cache.
@Suite struct VerdictTests {
    /// The damage to the bytes that the registry has under the layer's digest.
    enum Damage: String, CaseIterable, Sendable {
        /// A header whose checksum is wrong.
        case header
        /// A well-formed header with another size, so that the headers after it are skipped.
        case size
        /// Zeros in place of the second member's header, so that the archive seems to end there.
        case cut
        /// Noise from the first byte on.
        case noise
    }

    private static let contents: [(name: String, bytes: [UInt8])] = [
        ("a", noise(3000, seed: 1)), ("b", noise(1_200_000, seed: 2)), ("c", noise(70_000, seed: 3)),
    ]
    private let bench: CommandFixture
    private let registry: DockerRegistry
    private let tar: [UInt8]
    private let blob: String

    init() throws {
        bench = try CommandFixture()
        registry = try DockerRegistry()
        var builder = TarBuilder()
        for (name, bytes) in Self.contents { builder.file("data/\(name)", bytes) }
        tar = builder.finish()
        let layout = try bench.directory.subdirectory("layout")
        var kit = KitBuilder(directory: layout)
        kit.add(.init(.dataset, "data", tar: tar))
        let hex = try kit.write(tag: "v1", package: "verdict").layerHexes[0]
        try registry.push(layout: layout, tag: "v1", to: "verdict:v1")
        blob = registry.blobFile(hex: hex)
    }

    private func damaged(_ damage: Damage) -> [UInt8] {
        var bytes = tar
        // The second header comes after the first one and 3,000 bytes.
        let second = 512 + 3072
        switch damage {
        case .header: bytes[second + 150] ^= 1
        case .size:
            // The size 3,000, in octal digits, becomes 1,200,000. The checksum is adjusted.
            bytes.replaceSubrange(124..<135, with: Array("00004447600".utf8))
            bytes.replaceSubrange(148..<156, with: Array("        ".utf8))
            let sum = bytes[0..<512].reduce(0) { $0 + Int($1) }
            let digits = String(sum, radix: 8)
            bytes.replaceSubrange(
                148..<155, with: Array((String(repeating: "0", count: 6 - digits.count) + digits + "\0").utf8))
        case .cut: bytes.replaceSubrange(second..<second + 1024, with: [UInt8](repeating: 0, count: 1024))
        case .noise: bytes = noise(tar.count, seed: 9)
        }
        return bytes
    }

    @Test(arguments: Damage.allCases, [false, true])
    func aMendedRegistryIsEnough(_ damage: Damage, _ isPrefetched: Bool) throws {
        try writeFile(blob, damaged(damage))
        let options = isPrefetched ? ["--prefetch", "datasets"] : []
        let mounts = try (0..<2).map { _ in try bench.mount("\(registry.host)/verdict:v1", options) }
        for mount in mounts {
            // Whatever entries are shown, none can be read.
            _ = try Command.run("ls", ["-l", mount.path + "/data"])
            for (name, _) in Self.contents {
                #expect([EIO, ENOENT].contains(mount.openError("data/\(name)")), "\(name), \(damage)")
            }
        }
        try writeFile(blob, tar)
        for mount in mounts {
            try eventually(within: 20, "it is right, after \(damage)") {
                Self.contents.allSatisfy { name, bytes in (try? mount.read("data/\(name)")) == bytes }
            }
            #expect(try Command.check("ls", [mount.path + "/data"]).output == "a\nb\nc\n")
        }
        for mount in mounts { try mount.unmount() }
    }
}
