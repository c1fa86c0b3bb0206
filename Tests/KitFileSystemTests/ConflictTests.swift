// SPDX-License-Identifier: Apache-2.0
import OCI
import Synchronization
import TestSupport
import Testing

@testable import KitFileSystem
import LayerCache
@testable import LayerStore

/// A file and a directory at one path. The layer that brings the conflict is left out, and the others work.
@Suite struct ConflictTests {
    private func expectConflict(
        _ tree: KitFileSystem, _ path: String, with ordinal: Int, at place: String,
        _ location: SourceLocation = #_sourceLocation, _ body: (String) throws -> Void
    ) throws {
        let expected = FileSystemError.conflicting(
            tree.layers[ordinal].layer.key, try EntryPath(parsing: Array(place.utf8)))
        #expect(throws: expected, sourceLocation: location) { try body(path) }
    }

    @Test func anEarlierFileShutsOutWhatIsBelowIt() throws {
        var bench = try TreeFixture()
        try bench.add("a") { $0.file("a", [1]) }
        try bench.add("a/b") {
            $0.directory("a"); $0.file("a/b/x", [2])
        }
        try bench.add("c") { $0.file("c", [3]) }
        let tree = try bench.tree()
        #expect(try tree.find("a").kind == .file)
        #expect(try tree.content("a") == [1])
        #expect(throws: FileSystemError.notDirectory) { try tree.find("a/b") }
        #expect(try tree.names("") == ["Kitfile", "a", "c"])
        #expect(try tree.content("c") == [3])
    }

    @Test func aLaterFileIsShutOut() throws {
        var bench = try TreeFixture()
        try bench.add("a/b") {
            $0.directory("a"); $0.file("a/b/x", [2])
        }
        try bench.add("a") { $0.file("a", [1]) }
        try bench.add("c") { $0.file("c", [3]) }
        let tree = try bench.tree()
        #expect(try tree.content("a/b/x") == [2])
        #expect(try tree.find("a").kind == .directory)
        // Only the layer that is left out could tell what else is in the directory.
        for path in ["a", "a/b"] { try expectConflict(tree, path, with: 1, at: "a") { _ = try tree.names($0) } }
        try expectConflict(tree, "a/z", with: 1, at: "a") { _ = try tree.find($0) }
        #expect(try tree.names("") == ["Kitfile", "a", "c"])
        #expect(try tree.content("c") == [3])
        #expect(tree.layers[1].layer.status.error?.description.contains("“a” is a directory in one") == true)
        #expect(tree.layers[0].layer.status.error == nil)
    }

    @Test func nestedScopesWithTheFileFirst() throws {
        var bench = try TreeFixture()
        try bench.add(".") {
            $0.file("d/x", [1]); $0.file("d/y", [2]); $0.file("e/z", [3])
        }
        try bench.add("d") {
            $0.file("d/x/deep", [4]); $0.file("d/more", [5])
        }
        let tree = try bench.tree()
        #expect(try tree.content("d/x") == [1])
        #expect(try tree.content("d/y") == [2])
        #expect(try tree.content("e/z") == [3])
        try expectConflict(tree, "d/more", with: 1, at: "d/x") { _ = try tree.find($0) }
        try expectConflict(tree, "d", with: 1, at: "d/x") { _ = try tree.names($0) }
        #expect(throws: FileSystemError.notDirectory) { try tree.find("d/x/deep") }
        #expect(try tree.names("") == ["Kitfile", "d", "e"])
        #expect(try tree.names("e") == ["z"])
    }

    @Test func nestedScopesWithTheDirectoryFirst() throws {
        var bench = try TreeFixture()
        try bench.add("d") {
            $0.file("d/x/deep", [4]); $0.file("d/more", [5])
        }
        try bench.add(".") {
            $0.file("d/x", [1]); $0.file("e", [3])
        }
        let tree = try bench.tree()
        #expect(try tree.content("d/x/deep") == [4])
        #expect(try tree.content("d/more") == [5])
        for path in ["", "d", "d/x"] { #expect(throws: FileSystemError.self) { try tree.names(path) } }
        try expectConflict(tree, "e", with: 1, at: "d/x") { _ = try tree.find($0) }
        #expect(try tree.content("Kitfile").starts(with: Array("manifestVersion".utf8)))
    }

    /// A layer that only its content can list is not waited for by operations that do not need it.
    @Test func foundOnceBothAreKnown() throws {
        var bench = try TreeFixture()
        try bench.add(".", form: "tar+gzip") { $0.file("a", [1]) }
        try bench.add("a/b") {
            $0.directory("a"); $0.file("a/b/x", [2])
        }
        let tree = try bench.tree()
        let first = try tree.find("a")
        let name = try #require(EntryName("b"))
        #expect(first.kind == .directory && first.validity == .provisional)
        #expect(tree.layers[0].layer.index == nil)
        try expectConflict(tree, "a/b", with: 1, at: "a") { _ in
            _ = try tree.wait { tree.lookup(first.inode, name, $0) }
        }
        #expect(try tree.find("a").kind == .file)
        #expect(try tree.content("a") == [1])
        #expect(try tree.names("") == ["Kitfile", "a"])
    }

    /// The status also gives the reason for a layer that had to be fetched to be listed, and so is cached.
    @Test func statusSaysWhy() throws {
        var bench = try TreeFixture()
        try bench.add("a/b") { $0.file("a/b/x", [1]) }
        // Two members in each layer. With one member, the blob's head would be enough to list the layer.
        try bench.add("a", form: "tar+gzip") {
            $0.file("a", [1]); $0.file("a", [2])
        }
        try bench.add("c", form: "tar+gzip") {
            $0.file("d", [1]); $0.file("d", [2])
        }
        let tree = try bench.tree()
        for path in ["a/z", "c"] { #expect(throws: FileSystemError.self) { try tree.find(path) } }
        for (ordinal, words) in [(1, "“a” is a directory"), (2, "“d” is outside")] {
            let status = tree.layers[ordinal].layer.status
            #expect(status.stage == .cached && status.error?.description.contains(words) == true)
        }
    }

    /// An index exists a moment before the generation of indexes counts it. No operation may use the layer unjudged in
    /// between.
    @Test func aLayerThatIsNotJudgedYet() throws {
        var bench = try TreeFixture()
        try bench.add("c") {
            $0.file("c/x", [1]); $0.file("d", [2])
        }
        let tree = try bench.tree()
        #expect(throws: FileSystemError.self) { try tree.find("c") }
        try #require(tree.layers[0].layer.index != nil)
        tree.decisions.withLock { $0 = LayerRefusals(count: 1, generation: tree.store.indexGeneration) }
        #expect(throws: FileSystemError.self) { try tree.find("c") }
    }

    @Test func aLayerThatIsLeftOutShutsOutNobody() throws {
        var bench = try TreeFixture()
        try bench.add("a/b") { $0.file("a/b/x", [1]) }
        try bench.add("a") { $0.file("a", [2]) }
        try bench.add("a/c") { $0.file("a/c/y", [3]) }
        try bench.add("a") { $0.file("a/d", [4]) }
        let tree = try bench.tree()
        #expect(try tree.content("a/b/x") == [1])
        #expect(try tree.content("a/c/y") == [3])
        #expect(try tree.content("a/d") == [4])
        try expectConflict(tree, "a/e", with: 1, at: "a") { _ = try tree.find($0) }
    }

    @Test func rawFilesAndLinksAreFilesToo() throws {
        var bench = try TreeFixture()
        try bench.add("m") { $0.file("m/x", [1]) }
        try bench.add("n") { $0.symlink("n/l", to: "x") }
        try bench.add("n/l") { $0.file("n/l/y", [2]) }
        try bench.addRaw("m", [3])
        let tree = try bench.tree()
        #expect(try tree.content("m/x") == [1])
        try expectConflict(tree, "m", with: 3, at: "m") { _ = try tree.names($0) }
        #expect(try tree.find("n/l").kind == .symbolicLink)
        #expect(tree.layers[2].layer.status.error?.description.contains("“n/l”") == true)
    }

    /// A link and a file at one path are no conflict. The later layer's entry is shown.
    @Test func filesOverFilesAreNoConflict() throws {
        var bench = try TreeFixture()
        try bench.add("d") {
            $0.file("d/x", [1]); $0.symlink("d/l", to: "x")
        }
        try bench.add("d/x") { $0.symlink("d/x", to: "l") }
        try bench.add("d/l") { $0.file("d/l", [2]) }
        try bench.addRaw("d/l", [3])
        let tree = try bench.tree()
        #expect(try tree.find("d/x").kind == .symbolicLink)
        #expect(try tree.content("d/l") == [3])
        #expect(try tree.names("d") == ["l", "x"])
    }
}
