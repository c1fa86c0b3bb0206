// SPDX-License-Identifier: Apache-2.0
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

@Suite struct StateFileTests {
    private let temporary: TemporaryDirectory
    private let directory: DirectoryHandle
    private let key: LayerKey

    init() throws {
        temporary = try TemporaryDirectory()
        directory = try DirectoryHandle.open(temporary.path)
        key = LayerKey(digest: DigestHasher.digest(of: [1]), form: LayerForm(.tar, .gzip))
    }

    @Test func keysComeBackFromTheirNames() throws {
        #expect(LayerKey(key.description) == key)
        #expect(key.description.hasSuffix(".tar+gzip"))
        for name in ["", "x", "sha256-abc.tar", "\(key)x", "sha256-\(key.digest.hex)", "md5-00.tar"] {
            #expect(LayerKey(name) == nil)
        }
    }

    @Test func presence() throws {
        let size = StateFile.chunkSize * 3 + 10
        let state = try StateFile.create(in: directory, key: key, blobSize: size)
        #expect(state.chunkCount == 4)
        let chunks = try ChunkMap(state)
        #expect(chunks.missing(in: 0..<4) == 0..<4)
        #expect(chunks.missing(in: 0..<4, limit: 2) == 0..<2)
        try state.markPresent(1..<2)
        // A mark that another process sets is seen only after a new look at the file.
        #expect(!chunks.hasAll(1..<2))
        #expect(try chunks.refresh(0..<4))
        #expect(try !chunks.refresh(0..<4))
        #expect(chunks.missing(in: 0..<4) == 0..<1)
        #expect(chunks.missing(in: 1..<4) == 2..<4)
        #expect(chunks.presentBytes == StateFile.chunkSize)
        chunks.insert(3..<4)
        #expect(chunks.presentBytes == StateFile.chunkSize + 10)
        #expect(chunks.front == 0 && !chunks.isWhole)
        chunks.insert(0..<3)
        #expect(chunks.isWhole && chunks.front == size && chunks.presentBytes == size)
        try state.markPresent(0..<4)
        let again = try #require(try StateFile.open(in: directory, key: key))
        #expect(try ChunkMap(again).isWhole)
    }

    @Test func chunksOfBytes() throws {
        let size = StateFile.chunkSize * 2 + 10
        let chunks = try ChunkMap(StateFile.create(in: directory, key: key, blobSize: size))
        func range(_ start: UInt64, _ count: UInt64) throws -> ByteRange {
            try #require(ByteRange(start: start, count: count))
        }
        #expect(try chunks.chunks(of: range(0, 1)) == 0..<1)
        #expect(try chunks.chunks(of: range(StateFile.chunkSize - 1, 2)) == 0..<2)
        #expect(try chunks.chunks(of: range(StateFile.chunkSize, 1)) == 1..<2)
        #expect(try chunks.chunks(of: range(size - 1, 100)) == 2..<3)
        #expect(try chunks.chunks(of: range(size, 100)).isEmpty)
        #expect(try chunks.bytes(of: 2..<3) == range(StateFile.chunkSize * 2, 10))
    }

    @Test func chunksAreMarkedOnlyWhenWhole() throws {
        let size = StateFile.chunkSize * 2 + 5
        let state = try StateFile.create(in: directory, key: key, blobSize: size)
        var marker = ChunkMarker(state: state, run: ByteRange(upTo: size))
        #expect(try marker.advance(by: Int(StateFile.chunkSize) - 1) == nil)
        #expect(try state.chunkStates(0..<3) == [0, 0, 0])
        #expect(try marker.advance(by: 1) == 0..<1)
        #expect(try marker.advance(by: Int(StateFile.chunkSize) + 4) == 1..<2)
        #expect(try state.chunkStates(0..<3) == [StateFile.presentMark, StateFile.presentMark, 0])
        #expect(try marker.advance(by: 1) == 2..<3)
        #expect(try ChunkMap(state).isWhole)
    }

    @Test func chunksAreClaimedOnce() throws {
        var first: StateFile? = try StateFile.create(in: directory, key: key, blobSize: StateFile.chunkSize * 10)
        let second = try #require(try StateFile.open(in: directory, key: key))
        let participant = try first?.join()
        #expect(participant == 0)
        #expect(try second.join() == 1)
        #expect(try first?.claimChunks(3..<6) == true)
        try first?.recordFetcher(participant, of: 3..<6)
        #expect(try second.claimChunks(0..<10) == false)
        #expect(second.claimedElsewhere(0..<10) == 3..<6)
        #expect(try second.fetcher(of: 4) == 0)
        #expect(try second.fetcher(of: 6) == nil)
        #expect(try second.claimChunks(0..<3))
        first?.releaseChunks(3..<4)
        #expect(second.claimedElsewhere(0..<10) == 4..<6)
        // A process that has ended holds no claims.
        first = nil
        #expect(second.claimedElsewhere(0..<10) == nil)
        #expect(try second.claimChunks(0..<10))
    }

    /// Two descriptors, as two processes would have. What one claims, the other cannot claim until the first is closed.
    @Test func claims() throws {
        var first: StateFile? = try StateFile.create(in: directory, key: key, blobSize: 1)
        let second = try #require(try StateFile.open(in: directory, key: key))
        #expect(try first?.claim(.commit, .exclusive) == true)
        #expect(try second.claim(.commit, .exclusive) == false)
        #expect(try first?.claim(.open, .shared) == true)
        #expect(try second.claim(.open, .shared))
        #expect(try second.claim(.open, .exclusive) == false)
        first = nil
        #expect(try second.claim(.commit, .exclusive))
        #expect(try second.claim(.open, .exclusive))
    }

    @Test func whatIsNotOursIsRefused() throws {
        _ = try StateFile.create(in: directory, key: key, blobSize: 1000)
        let path = temporary.path + "/state"
        let good = try readFile(path)
        #expect(
            try StateFile.open(in: directory, key: LayerKey(digest: key.digest, form: LayerForm(.tar)))
                == nil)
        for place in [0, 7, 8, 23, 40, 64, 100] {
            var damaged = good
            damaged[place] ^= 0x80
            try writeFile(path, damaged)
            #expect(try StateFile.open(in: directory, key: key) == nil, "byte \(place)")
        }
        for count in [0, 1, 1023, 1024, good.count - 1] {
            try writeFile(path, Array(good[..<count]))
            #expect(try StateFile.open(in: directory, key: key) == nil, "\(count) bytes")
        }
    }

    @Test func layoutFindsItsSegments() throws {
        var layout = LayerLayout()
        layout.append(try #require(ByteRange(start: 100, count: 50)))
        layout.append(try #require(ByteRange(start: 150, count: 10)))
        func segment(_ start: UInt64, _ count: UInt64) throws -> LayerLayout.Segment {
            layout.segment(of: try #require(ByteRange(start: start, count: count)))
        }
        #expect(try segment(0, 1000) == .init(file: .stream, position: 0, count: 100))
        #expect(try segment(99, 1) == .init(file: .stream, position: 99, count: 1))
        #expect(try segment(100, 1000) == .init(file: .member(start: 100), position: 0, count: 50))
        #expect(try segment(149, 5) == .init(file: .member(start: 100), position: 49, count: 1))
        #expect(try segment(150, 5) == .init(file: .member(start: 150), position: 0, count: 5))
        #expect(try segment(160, 5) == .init(file: .stream, position: 160, count: 5))
    }
}
