// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import TestSupport

@Suite struct TreeScanTests {
    /// The layers of a kit, extracted in order, are the tree that `kit unpack` wrote, but for the Kitfile.
    @Test(arguments: ["plain-small", "unicode-paths"])
    func aRecreatedTreeEqualsTheTruth(name: String) throws {
        let truth = try TreeScan.truth("\(Fixtures.directory)/truth/\(name).jsonl")
        let directory = try TemporaryDirectory()
        #expect(chmod(directory.path, 0o755) == 0)
        let blobs = "\(Fixtures.directory)/layouts/\(name)/blobs/sha256/"
        for blob in try TreeScan.scan(blobs) where blob.type == .file {
            // Documents are not tar archives.
            guard try readFile(blobs + blob.name).starts(with: Array("{".utf8)) == false else { continue }
            try Command.check("tar", ["-xpf", blobs + blob.name, "--no-same-owner", "-C", directory.path])
        }
        // kit applied its umask, 022, but kept the set-id and sticky bits, which tar keeps only with -p.
        try Command.check("chmod", ["-R", "go-w", directory.path])
        let expected = truth.filter { $0.name != "Kitfile" }
        #expect(expected.count > 3)
        let differences = TreeScan.differences(try TreeScan.scan(directory.path), from: expected)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test func differencesAreNamed() throws {
        let directory = try TemporaryDirectory()
        try writeFile(directory.path + "/a", [1])
        try writeFile(directory.path + "/b", [1])
        let before = try TreeScan.scan(directory.path)
        #expect(before.map(\.name) == [".", "a", "b"])
        #expect(TreeScan.differences(before, from: before) == [])
        try writeFile(directory.path + "/a", [2])
        unlink(directory.path + "/b")
        try writeFile(directory.path + "/c", [1])
        let differences = TreeScan.differences(try TreeScan.scan(directory.path), from: before)
        #expect(differences.contains { $0.hasPrefix("found f 0o644 a") })
        #expect(differences.contains { $0.hasPrefix("missing: f 0o644 b") })
        #expect(differences.contains { $0.hasPrefix("unexpected: f 0o644 c") })
    }

    @Test func namesAreBytes() throws {
        let directory = try TemporaryDirectory()
        let nfc = "é", nfd = "e\u{301}"
        try writeFile(directory.path + "/" + nfc, [1])
        try writeFile(directory.path + "/" + nfd, [2])
        let odd: [CChar] = directory.path.utf8CString.dropLast() + [47, -1, 0]
        #expect(mkdir(odd, 0o2711) == 0 && chmod(odd, 0o2711) == 0)
        let found = try TreeScan.scan(directory.path)
        #expect(found.map(\.path) == [[46], Array(nfd.utf8), Array(nfc.utf8), [255]])
        #expect(found.last?.mode == 0o2711)
    }
}
