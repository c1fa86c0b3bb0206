// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import SystemPackage
import TestSupport

@testable import DurableFiles
@testable import LayerCache
@testable import LayerIndex
@testable import LayerStore

extension FuzzTarget {
    /// The file `state` of a layer's directory.
    static let state = FuzzTarget(name: "state", seeds: { try StateReadings.seeds() }) { bytes in
        try StateReadings.check(bytes)
        // Again with the length that the state claims, if that is small.
        guard bytes.count >= StateFile.headerSize else { return }
        let claimed = bytes.littleEndian(UInt64.self, at: 16)
        guard claimed < 1 << 34 else { return }
        try StateReadings.check(bytes, length: StateFile.headerSize + StateFile.chunkCount(of: claimed))
    }
}

enum StateReadings {
    private static let key = LayerKey(digest: DigestHasher.digest(of: [1]), form: LayerForm(.tar, .gzip))
    static func check(_ bytes: [UInt8], length: Int? = nil) throws {
        let path = try FuzzPlace.keep(bytes, as: StateFile.name)
        if let length { require(truncate(path, length) == 0, "truncate") }
        guard let state = try StateFile.open(in: DirectoryHandle.open(FuzzPlace.directory), key: key) else { return }
        _ = try state.lifecycle
        _ = try state.layerSize
        _ = try state.front
        if let verifier = try state.verifier { _ = try state.heartbeat(of: verifier) }
        for chunk in 0..<min(state.chunkCount, 64) {
            if let fetcher = try state.fetcher(of: chunk) { _ = try state.heartbeat(of: fetcher) }
        }
        let chunks = try ChunkMap(state)
        let absent = absentBytes(chunks)
        require(chunks.presentBytes + absent == state.blobSize, "\(absent) absent of \(state.blobSize)")
        require(chunks.front <= chunks.presentBytes, "\(chunks.front) in front")
        try state.markPresent(0..<state.chunkCount)
        require(try chunks.refresh(0..<chunks.count) == (absent > 0), "\(absent) absent, and marked")
        require(chunks.isWhole && chunks.presentBytes == state.blobSize, "marked, and absent")
    }

    /// Adds up the missing runs one by one, as a transfer requests them.
    private static func absentBytes(_ chunks: ChunkMap) -> UInt64 {
        var sum: UInt64 = 0
        var next = 0
        while let run = chunks.missing(in: next..<chunks.count) {
            let bytes = chunks.bytes(of: run)
            require(chunks.chunks(of: bytes) == run && !chunks.hasAll(run), "\(run) is \(bytes)")
            sum += bytes.count
            next = run.upperBound
        }
        return sum
    }

    static func seeds() throws -> [[UInt8]] {
        try [0, 1, StateFile.chunkSize, 3 * StateFile.chunkSize + 10].map { size in
            let temporary = try TemporaryDirectory()
            let state = try StateFile.create(
                in: DirectoryHandle.open(temporary.path), key: key, blobSize: size)
            try state.markPresent(0..<state.chunkCount / 2)
            return try readFile(temporary.path + "/state")
        }
    }
}
