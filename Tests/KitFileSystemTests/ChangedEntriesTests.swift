// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import TestSupport
import Testing

@testable import KitFileSystem

/// A layer that was listed from wrong bytes.
@Suite struct ChangedEntriesTests {
    private static func lie(_ tar: inout TarBuilder) {
        tar.directory("d")
        tar.file("d/gone", [1, 2, 3])
        tar.file("d/kept", [4])
    }

    private static func truth(_ tar: inout TarBuilder) {
        tar.directory("d")
        tar.file("d/kept", [4])
        tar.file("d/new", [5, 6, 7])
    }

    @Test func whatWasShownIsTakenBack() throws {
        var bench = try TreeFixture()
        var (wrong, right) = (TarBuilder(), TarBuilder())
        Self.lie(&wrong)
        Self.truth(&right)
        try bench.add("d", Self.truth)
        let digest = DigestHasher.digest(of: right.finish())
        bench.source.replace(digest, wrong.finish())
        let tree = try bench.tree()
        let seen = Seen()
        tree.observe { seen.add($0) }
        let directory = try tree.find("d").inode
        let (gone, kept) = (try tree.find("d/gone").inode, try tree.find("d/kept").inode)
        #expect(try tree.names("d") == ["gone", "kept"])
        #expect(try tree.find("d/gone").validity == .provisional)
        bench.source.replace(digest, right.finish())
        // The waiting operation fails as stale, and is repeated, as the kernel does.
        #expect(throws: FileSystemError.stale) { try tree.content("d/kept") }
        #expect(try tree.content("d/kept") == [4])
        // Inode numbers of the old entries are stale, even those of files that still exist.
        for inode in [directory, gone, kept] {
            guard case .failed(.stale) = tree.attributes(inode) else {
                Issue.record("inode \(inode.rawValue) should be stale")
                continue
            }
            guard case .failed(.stale) = tree.open(inode) else {
                Issue.record("inode \(inode.rawValue) should not be opened")
                continue
            }
        }
        #expect(seen.names == ["d"])
        #expect(try tree.names("d") == ["kept", "new"])
        #expect(try tree.content("d/new") == [5, 6, 7])
        #expect(try tree.find("d/new").validity == .final)
        #expect(throws: FileSystemError.notFound(.final)) { try tree.find("d/gone") }
    }
}

/// The names that were invalidated.
private final class Seen: Sendable {
    private let told = Mutex<[Invalidation]>([])

    func add(_ invalidations: [Invalidation]) { told.withLock { $0 += invalidations } }

    var names: [String] {
        told.withLock { told in
            told.compactMap { if case .name(_, let name) = $0 { name.description } else { nil } }
        }
    }
}
