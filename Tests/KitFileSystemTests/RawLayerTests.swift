// SPDX-License-Identifier: Apache-2.0
import OCI
import TestSupport
import Testing

@testable import KitFileSystem

/// Layers that are one file each.
@Suite struct RawLayerTests {
    private static let year2024 = 1_714_979_289

    @Test func modeAndTimeAreTheAnnotations() throws {
        var bench = try TreeFixture()
        try bench.addRaw("a", [1], metadata: #"{"mode":2541,"mtime":"2024-05-06T07:08:09.5Z"}"#)
        try bench.addRaw("b", [2], metadata: #"{"mode":384,"mtime":"0001-01-01T00:00:00Z"}"#)
        try bench.addRaw("c", [3], metadata: "garbage")
        let tree = try bench.tree()
        // The mode is 0o4755. Write bits and set-id bits are not shown.
        #expect(try tree.find("a").mode == 0o555)
        #expect(try tree.find("a").modified == Int64(Self.year2024))
        #expect(try tree.find("b").mode == 0o400)
        #expect(try tree.find("c").mode == 0o444)
        let synthetic = try ["b", "c"].map { try tree.find($0).modified }
        #expect(synthetic.allSatisfy { (315_532_800..<347_155_200).contains($0) } && Set(synthetic).count == 2)
        #expect(try tree.find("a").size == 1 && tree.content("b") == [2])
    }

    @Test func directoriesAboveThemAreThere() throws {
        var bench = try TreeFixture()
        try bench.addRaw("./p/q/w.bin", [1, 2])
        try bench.addRaw("p/r.bin", [3], form: "raw+zstd")
        let tree = try bench.tree()
        let before = bench.source.moved
        #expect(try tree.names("") == ["Kitfile", "p"])
        #expect(try tree.find("p/q").kind == .directory && tree.find("p/q").mode == 0o555)
        #expect(try tree.names("p/q") == ["w.bin"])
        // The manifest is enough to list an uncompressed raw layer.
        #expect(try tree.find("p/q/w.bin").size == 2)
        #expect(bench.source.moved == before)
        #expect(try tree.names("p") == ["q", "r.bin"])
        #expect(try tree.content("p/q/w.bin") == [1, 2])
        #expect(try tree.content("p/r.bin") == [3])
        #expect(throws: FileSystemError.notDirectory) { try tree.find("p/r.bin/x") }
        #expect(throws: FileSystemError.self) { try tree.find("p/nope") }
    }

    /// The same bytes at two paths, each with its own mode.
    @Test func oneBlobAtTwoPaths() throws {
        var bench = try TreeFixture()
        try bench.addRaw("x/one", [7], metadata: #"{"mode":493}"#)
        try bench.addRaw("x/two", [7], metadata: #"{"mode":256}"#)
        let tree = try bench.tree()
        #expect(try tree.names("x") == ["one", "two"])
        #expect(try tree.find("x/one").mode == 0o555 && tree.find("x/two").mode == 0o400)
        #expect(try tree.content("x/one") == [7] && tree.content("x/two") == [7])
        #expect(try tree.find("x/one").inode != tree.find("x/two").inode)
    }

    @Test func theLaterOfTwoIsShown() throws {
        var bench = try TreeFixture()
        try bench.add("d") { $0.file("d/x", [1]) }
        try bench.addRaw("d/x", [2])
        try bench.addRaw("Kitfile", [3])
        let tree = try bench.tree()
        #expect(try tree.content("d/x") == [2])
        #expect(try tree.names("d") == ["x"])
        #expect(try tree.content("Kitfile").starts(with: Array("manifestVersion".utf8)))
        #expect(try tree.names("") == ["Kitfile", "d"])
    }

    @Test func emptyFiles() throws {
        var bench = try TreeFixture()
        try bench.addRaw("plain", [])
        try bench.addRaw("packed", [], form: "raw+zstd")
        let tree = try bench.tree()
        for path in ["plain", "packed"] {
            #expect(try tree.find(path).size == 0)
            #expect(try tree.content(path) == [])
        }
    }

    @Test func onlyWhatTheFiltersChoose() throws {
        var bench = try TreeFixture()
        try bench.add("data") { $0.file("data/x", [1]) }
        try bench.addRaw("w.bin", [2])
        #expect(try bench.tree(filters: ["model"]).names("") == ["w.bin"])
        #expect(try bench.tree(filters: ["datasets:data"]).names("") == ["data"])
        #expect(try bench.tree(filters: ["kitfile", "datasets"]).names("") == ["Kitfile", "data"])
        #expect(try bench.tree(filters: ["docs"]).names("") == [])
        #expect(throws: FileSystemError.notFound(.final)) { try bench.tree(filters: ["docs"]).find("Kitfile") }
        // Without the Kitfile in the filter, a layer's own file of that name is shown.
        try bench.addRaw("Kitfile", [3])
        #expect(try bench.tree(filters: ["model"]).content("Kitfile") == [3])
    }
}
