// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import TestSupport
import Testing
import Threading

@testable import LayerCache
@testable import LayerIndex
@testable import DurableFiles
@testable import LayerStore

/// When a store closes idle files of a layer, as other processes see it.
@Suite struct IdleLayersTests {
    private let bench: StoreFixture
    private let layer: Layer
    private let state: StateFile

    init() throws {
        bench = try StoreFixture()
        let blob = try bench.source.add(StoreFixture.tar([("a", [1, 2, 3]), ("b", [4])]))
        layer = try bench.store().layer(blob, form: LayerForm(.tar), source: bench.source)
        #expect(try layer.content() == nil)
        let bench = bench
        try eventually(within: 5, "it is committed") { try bench.files("partial").isEmpty }
        let directory = try CacheDirectory(path: bench.path).layers.directory(layer.key.description)
        state = try #require(try StateFile.open(in: directory, key: layer.key))
    }

    private func file() throws -> LayerFile {
        let number = try #require(layer.index?.number(at: try EntryPath(parsing: Array("a".utf8))))
        guard case .file(let content)? = layer.index?.entry(number)?.kind else { throw TestSupportError("no file") }
        return try #require(try layer.openFile(content: content))
    }

    @Test func anOpenFileIsSeenAsLongAsItIsOpen() throws {
        let file = try file()
        usleep(500_000)
        #expect(state.isClaimedElsewhere(.open))
        withExtendedLifetime(file) {}
    }

    @Test func aClosedOneIsGivenBackSoon() throws {
        _ = try file()
        let state = state
        try eventually(within: 5, "it is given back") { !state.isClaimedElsewhere(.open) }
        let again = try file()
        #expect(state.isClaimedElsewhere(.open))
        withExtendedLifetime(again) {}
    }

    /// A process that needs space does not wait for the idle time.
    @Test func atOnceWhereRoomIsNeeded() throws {
        for _ in 0..<20 {
            _ = try file()
            IdleLayers.shared.releaseAll()
            #expect(!state.isClaimedElsewhere(.open))
        }
        let held = try file()
        IdleLayers.shared.releaseAll()
        #expect(state.isClaimedElsewhere(.open))
        withExtendedLifetime(held) {}
    }

    @Test func manyAtOnce() throws {
        let layer = layer
        let number = try #require(layer.index?.number(at: try EntryPath(parsing: Array("a".utf8))))
        guard case .file(let content)? = layer.index?.entry(number)?.kind else { throw TestSupportError("no file") }
        let threads = WorkerPool(limit: 4)
        for _ in 0..<4 {
            threads.submit {
                for round in 0..<2000 {
                    guard let file = try? layer.openFile(content: content) else { continue }
                    var bytes = [UInt8](repeating: 0, count: 3)
                    let count = bytes.withUnsafeMutableBytes { (try? file.read(at: 0, into: $0)) ?? 0 }
                    if count != 3 || bytes != [1, 2, 3] { Issue.record("round \(round): \(bytes)") }
                    if round % 500 == 0 { usleep(150_000) }
                }
            }
        }
        threads.waitUntilIdle()
        let state = state
        try eventually(within: 5, "it is given back") { !state.isClaimedElsewhere(.open) }
    }
}
