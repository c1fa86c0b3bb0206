// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import LayerFormat

/// Layers packed by the real kit, compared with the files that it unpacked.
@Suite struct TarFixtureTests {
    @Test(arguments: [
        ("plain-small", "v1", "plain-small"), ("gzip", "v1", "gzip"), ("unicode-paths", "v1", "unicode-paths"),
        ("shared-parent", "v1", "shared-parent"), ("sharing", "v1", "sharing-v1"), ("sharing", "v2", "sharing-v2"),
    ]) func membersAreTheTruth(_ layout: String, _ tag: String, _ truth: String) throws {
        var found: [[UInt8]: TreeEntry] = [:]
        for layer in try layers(layout, tag) {
            let tar = try readFile(Fixtures.blob(layout, layer.digest.hex))
            // gzip(1) and not our own inflater: this test is about tar.
            let bytes =
                layer.mediaType.description.hasSuffix("+gzip")
                ? try Command.check("gzip", ["-dc"], input: tar).stdout : tar
            for member in try TarReading.members(bytes) {
                let isFile = member.kind == .file
                #expect(isFile || member.kind == .directory)
                found[member.path] = TreeEntry(
                    path: member.path, type: isFile ? .file : .directory, mode: member.mode & ~0o022,
                    size: isFile ? Int(member.size) : nil,
                    sha256: isFile ? Sha256.hex(Array(member.content(in: bytes))) : nil)
            }
        }
        // The root and the Kitfile are not in a layer.
        let expected = try Fixtures.truth(truth).filter { $0.name != "." && $0.name != "Kitfile" }
        try #require(expected.count > 5)
        #expect(TreeScan.differences(Array(found.values), from: expected) == [])
    }

    @Test func listingIsTheSameInPieces() throws {
        for layer in try layers("unicode-paths", "v1") {
            let tar = try readFile(Fixtures.blob("unicode-paths", layer.digest.hex))
            let listed = try TarReading.list(tar)
            for piece in [1, 7, 511, 512, 513, 4096] {
                #expect(try TarReading.follow(tar, piece: piece) == listed)
            }
        }
    }

    private func layers(_ layout: String, _ tag: String) throws -> [Descriptor] {
        let index = try ImageIndex(parsing: readFile(Fixtures.layout(layout) + "/index.json"))
        let tagged = try #require(index.manifests.first { $0.annotations[ImageIndex.tagAnnotation] == tag })
        return try Manifest(parsing: readFile(Fixtures.blob(layout, tagged.digest.hex))).layers
    }
}
