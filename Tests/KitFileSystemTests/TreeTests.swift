// SPDX-License-Identifier: Apache-2.0
import LayerCache
import LayerStore
import OCI
import TestSupport
import Testing

@testable import KitFileSystem

/// Several layers as one tree.
@Suite struct KitTreeTests {
    @Test func oneLayerDoesNotWaitForAnother() throws {
        var bench = try TreeFixture()
        try bench.add("a/data") { $0.file("a/data/x", [1]) }
        try bench.add("b/data", form: "tar+gzip") { $0.file("b/data/y", [2]) }
        let tree = try bench.tree()
        let before = bench.source.moved
        // `b` is known from the Kitfile. Its content is known only from the layer, which nothing here needs.
        #expect(try tree.names("") == ["Kitfile", "a", "b"])
        #expect(try tree.names("b") == ["data"])
        #expect(try tree.content("a/data/x") == [1])
        #expect(tree.layers[1].layer.status.stage == .absent)
        #expect(bench.source.moved - before < 20_000)
        // The blob's head shows that the layer has one file.
        #expect(try tree.names("b/data") == ["y"])
        #expect(tree.layers[1].layer.status.stage == .absent)
    }

    @Test func overlappingLayersMerge() throws {
        var bench = try TreeFixture()
        try bench.add("all") {
            $0.directory("all", mode: 0o750)
            $0.file("all/one", [1])
            $0.directory("all/sub", mode: 0o700)
            $0.file("all/sub/both", [2])
        }
        try bench.add("all/sub") {
            $0.directory("all", mode: 0o755)
            $0.directory("all/sub", mode: 0o755)
            $0.file("all/sub/both", [3])
            $0.file("all/sub/more", [4])
        }
        try bench.add(".") {
            $0.file("top", [5])
            $0.directory("all")
            $0.file("all/three", [6])
        }
        let tree = try bench.tree()
        #expect(try tree.names("") == ["Kitfile", "all", "top"])
        #expect(try tree.names("all") == ["one", "sub", "three"])
        #expect(try tree.names("all/sub") == ["both", "more"])
        // As with unpacking, a file is the later layer's, and a directory is the first layer's.
        #expect(try tree.content("all/sub/both") == [3])
        #expect(try tree.content("all/three") == [6])
        #expect(try tree.find("all").mode == 0o550)
        #expect(try tree.find("all/sub").mode == 0o500)
    }

    @Test func theKitfileWinsOverAMember() throws {
        var bench = try TreeFixture()
        try bench.add(".") {
            $0.file("Kitfile", [1]); $0.file("x", [2])
        }
        let tree = try bench.tree()
        #expect(try tree.names("") == ["Kitfile", "x"])
        #expect(try tree.content("Kitfile").starts(with: Array("manifestVersion".utf8)))
    }

    @Test func inodesAreTheSameInEveryMount() throws {
        var bench = try TreeFixture()
        try bench.add("a/b") {
            $0.file("a/b/x", [1]); $0.file("a/b/c/y", [2])
        }
        try bench.add("a/z") { $0.file("a/z", [3]) }
        let paths = ["", "Kitfile", "a", "a/b", "a/b/x", "a/b/c", "a/b/c/y", "a/z"]
        let first = try bench.tree()
        let inodes = try paths.map { try first.find($0).inode }
        #expect(Set(inodes).count == paths.count)
        // Looked up in another order, with everything cached.
        let second = try bench.tree()
        for (path, inode) in zip(paths, inodes).reversed() { #expect(try second.find(path).inode == inode) }
        for inode in inodes { #expect(InodeNumber(try #require(inode.target)) == inode) }
    }

    @Test func layersWithoutFiles() throws {
        var bench = try TreeFixture()
        try bench.add("empty") { _ in }
        try bench.add("deep/er/none") { _ in }
        try bench.add("file.txt") { $0.file("file.txt", [1]) }
        let tree = try bench.tree()
        #expect(throws: FileSystemError.self) { try tree.find("empty") }
        #expect(try tree.names("") == ["Kitfile", "file.txt"])
        #expect(try bench.tree().names("") == ["Kitfile", "file.txt"])
        #expect(try TreeFixture().tree().names("") == ["Kitfile"])
    }

    @Test func theSameLayerTwice() throws {
        var bench = try TreeFixture()
        try bench.add("data") { $0.file("data/x", [1]) }
        try bench.add("./data/") { $0.file("data/x", [1]) }
        let tree = try bench.tree()
        #expect(tree.layers.count == 1)
        #expect(try tree.content("data/x") == [1])
    }

    @Test func aLayerThatCannotBeHadHurtsOnlyItself() throws {
        var bench = try TreeFixture()
        try bench.add("good/a") { $0.file("good/a/x", [1]) }
        try bench.add("good/b", form: "tar+zstd") { $0.file("good/b/y", [2]) }
        try bench.add("bad") { $0.raw(Array("bad/x".utf8), fixChecksum: false) { $0[0] ^= 1 } }
        let tree = try bench.tree()
        #expect(try tree.names("") == ["Kitfile", "bad", "good"])
        #expect(try tree.names("good") == ["a", "b"])
        #expect(try tree.content("good/a/x") == [1])
        for path in ["bad", "good/b"] { #expect(throws: FileSystemError.self) { try tree.names(path) } }
        #expect(try tree.content("good/a/x") == [1])
    }

    @Test func entriesOutsideOfTheDeclaredPath() throws {
        var bench = try TreeFixture()
        try bench.add("data/in") {
            $0.file("data/in/x", [1]); $0.file("data/beside", [2])
        }
        try bench.add("other") { $0.file("other", [3]) }
        let tree = try bench.tree()
        #expect(throws: FileSystemError.self) { try tree.content("data/in/x") }
        #expect(throws: FileSystemError.notFound(.final)) { try tree.find("data/beside") }
        #expect(try tree.content("other") == [3])
    }

    @Test func modesAreShared() throws {
        var bench = try TreeFixture()
        try bench.add("d") {
            $0.directory("d", mode: 0o700); $0.file("d/k", [1], mode: 0o600); $0.file("d/s", [1], mode: 0o4751)
        }
        #expect(try bench.tree().find("d/k").mode == 0o400)
        #expect(try bench.tree().find("d/s").mode == 0o551)
        let shared = try bench.tree(ModePolicy(sharesWithOthers: true))
        #expect(try shared.find("d").mode == 0o555)
        #expect(try shared.find("d/k").mode == 0o444)
    }

    @Test func whatIsSaidBeforeAndAfterVerification() throws {
        var bench = try TreeFixture()
        try bench.add("d") { $0.file("d/x", [1]) }
        let tree = try bench.tree()
        #expect(try tree.find("d/x").validity == .provisional)
        #expect(throws: FileSystemError.notFound(.provisional)) { try tree.find("d/nope") }
        #expect(try tree.content("d/x") == [1])
        #expect(try tree.find("d/x").validity == .final)
        #expect(throws: FileSystemError.notFound(.final)) { try tree.find("d/nope") }
        #expect(throws: FileSystemError.notFound(.final)) { try tree.find("nope") }
    }

    @Test func strangeInodesAndHandles() throws {
        let tree = try TreeFixture().tree()
        for raw: UInt64 in [0, 3, 100, 1 << 32, .max, (1 << 32) | 5] {
            let inode = InodeNumber(rawValue: raw)
            #expect(throws: FileSystemError.self) { try tree.wait { tree.attributes(inode, $0) } }
            #expect(throws: FileSystemError.self) { try tree.wait { tree.listing(inode, $0) } }
            #expect(throws: FileSystemError.self) { try tree.wait { tree.open(inode, $0) } }
            #expect(tree.extendedAttributeNames(of: InodeNumber(rawValue: raw)).isEmpty)
        }
        var byte: [UInt8] = [0]
        guard case .failed(.badHandle) = byte.withUnsafeMutableBytes({ tree.read(77, at: 0, into: $0) }) else {
            Issue.record("no such handle")
            return
        }
        tree.close(77)
        tree.closeDirectory(77)
    }

    @Test func attributesOfFiles() throws {
        var bench = try TreeFixture()
        try bench.add("d") {
            $0.file("d/x", [1]); $0.symlink("d/l", to: "x")
        }
        let tree = try bench.tree()
        #expect(try tree.content("d/x") == [1])
        let inode = try tree.find("d/x").inode
        #expect(tree.extendedAttributeNames(of: inode).isEmpty)
        #expect(tree.extendedAttributeNames(of: .root) == ["user.kitfs.reference", "user.kitfs.digest"])
        #expect(try tree.extendedAttribute(named: "user.kitfs.cached", of: inode) == Array("1".utf8))
        #expect(throws: FileSystemError.noAttribute) { try tree.extendedAttribute(named: "user.other", of: inode) }
        let link = try tree.find("d/l")
        #expect(link.kind == .symbolicLink && link.mode == 0o777)
        guard case .done(let target) = tree.target(link.inode) else {
            Issue.record("a link has a target")
            return
        }
        #expect(target == Array("x".utf8))
    }
}
