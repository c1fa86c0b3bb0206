// SPDX-License-Identifier: Apache-2.0
import LayerFormat
import OCI
import TestSupport
import Testing

@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

@Suite struct LayerIndexTests {
    private func member(
        _ path: String, _ kind: TarMember.Kind = .file, size: UInt64 = 0, at offset: UInt64 = 0, mode: UInt16 = 0o644
    ) -> TarMember {
        TarMember(
            path: Array(path.utf8), kind: kind, mode: mode, size: size, modified: 7, headerOffset: offset,
            contentOffset: offset + 512)
    }

    private func index(_ members: [TarMember]) throws -> LayerIndex {
        var builder = LayerIndexBuilder()
        for member in members { try builder.add(member) }
        return builder.finish(layerSize: 1 << 30, contentDigest: nil, isVerified: false)
    }

    private func names(_ index: LayerIndex) -> [String] {
        (0..<index.count).map { index.path(of: LayerIndex.Number($0)).description }
    }

    @Test func entriesAreSortedLevelByLevel() throws {
        let index = try index([member("b/z"), member("b/a/x"), member("a"), member("b/é"), member("b/e\u{301}")])
        #expect(names(index) == [".", "a", "b", "b/a", "b/e\u{301}", "b/z", "b/é", "b/a/x"])
        // Swift's strings compare these two names as equal. As names they differ.
        #expect(Array(names(index)[4].utf8) != Array(names(index)[6].utf8))
        for path in ["a", "b", "b/a/x", "b/é", "b/z"] {
            let number = try #require(index.number(at: try EntryPath(parsing: Array(path.utf8))))
            #expect(Array(index.path(of: number).description.utf8) == Array(path.utf8))
        }
        #expect(index.number(at: try EntryPath(parsing: Array("b/nope".utf8))) == nil)
        #expect(index.number(at: try EntryPath(parsing: Array("a/x".utf8))) == nil)
    }

    @Test func duplicates() throws {
        let index = try index([
            member("d", .directory, mode: 0o700), member("d/f", size: 1, at: 512), member("d", .directory, mode: 0o755),
            member("d/f", size: 2, at: 2048),
        ])
        let directory = try #require(index.entry(1))
        #expect(directory.mode == 0o700)
        guard case .file(let content)? = index.entry(2)?.kind else {
            Issue.record("d/f is a file")
            return
        }
        #expect(content.start == 2560 && content.count == 2)
    }

    /// A path of 4 KiB implies two thousand directories, and gzip makes a tar of such paths very small.
    @Test func impliedDirectoriesAreBounded() throws {
        let deep = Array(repeating: "d", count: 2000).joined(separator: "/")
        let error = #expect(throws: LayerIndexBuilder.Failure.self) {
            try index((0..<100).map { member("\($0)/\(deep)") })
        }
        #expect(error == .tooMany(.impliedDirectories))
        #expect(error?.description.contains("more than 65536 directories") == true)
        #expect(try index((0..<20_000).map { member("\($0)/a/b/c/d/e/f") }).count == 1 + 20_000 * 7)
    }

    @Test func conflictsAreRefused() throws {
        for members in [
            [member("x"), member("x/y")], [member("x/y"), member("x")], [member("x"), member("x", .directory)],
            [member("x", .hardLink(Array("nope".utf8)))], [member("x", .hardLink(Array("x".utf8)))],
            [member("../x")], [member("/x")], [member(String(repeating: "n", count: 256))], [member(".")],
        ] {
            #expect(throws: LayerIndexBuilder.Failure.self) { try index(members) }
        }
    }

    @Test func codingComesBack() throws {
        let index = try index(
            [
                member("d/link", .symbolicLink([0xFF, 0x2F])), member("d/large", size: 5 << 20, at: 1024),
                member("e", .hardLink(Array("d/large".utf8))), member("empty", .directory),
            ] + (0..<200).map { member("many/\($0)") })
        let bytes = index.encoded(blobSize: 77)
        #expect(LayerIndex(decoding: bytes, blobSize: 77) == index)
        #expect(LayerIndex(decoding: bytes, blobSize: 78) == nil)
        #expect(index.layout.members.map(\.start) == [1536])
    }

    /// Any flipped byte and any truncation gives no index, and no trap.
    @Test func damageIsNoticed() throws {
        let bytes = try index([member("d/link", .symbolicLink([65])), member("d/large", size: 5 << 20, at: 1024)])
            .encoded(blobSize: 77)
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x41
            #expect(LayerIndex(decoding: damaged, blobSize: 77) == nil)
            #expect(LayerIndex(decoding: Array(bytes[..<place]), blobSize: 77) == nil)
        }
    }

    /// With a valid checksum over wrong content, only bounds checks protect the reader.
    @Test func wrongNumbersBehindARightChecksum() throws {
        let bytes = try index([member("d/link", .symbolicLink([65])), member("d/large", size: 5 << 20, at: 1024)])
            .encoded(blobSize: 77)
        var accepted = 0
        for place in 12..<(bytes.count - 32) {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var damaged = Array(bytes[..<(bytes.count - 32)])
                damaged[place] = value
                let hex = Array(DigestHasher.digest(of: damaged).hex)
                damaged += stride(from: 0, to: 64, by: 2).map { UInt8(String(hex[$0...($0 + 1)]), radix: 16) ?? 0 }
                guard let index = LayerIndex(decoding: damaged, blobSize: 77) else { continue }
                accepted += 1
                for number in 0..<LayerIndex.Number(index.count) {
                    _ = index.entry(number)
                    _ = index.path(of: number)
                    _ = index.child(of: number, named: try #require(EntryName("d")))
                }
            }
        }
        #expect(accepted > 0)
    }

    @Test func aHundredThousandEntries() throws {
        var builder = LayerIndexBuilder()
        for number in 0..<100_000 { try builder.add(member("d/\(number % 10)/\(number)")) }
        let index = builder.finish(layerSize: 1, contentDigest: nil, isVerified: true)
        #expect(index.count == 100_012)
        for number in [0, 1, 99_999, 54_321] {
            #expect(index.number(at: try EntryPath(parsing: Array("d/\(number % 10)/\(number)".utf8))) != nil)
        }
        let bytes = index.encoded(blobSize: 1)
        // 40 bytes for each entry plus its name, on disk and in memory.
        #expect(bytes.count < index.count * 50)
        #expect(LayerIndex(decoding: bytes, blobSize: 1) == index)
    }
}
