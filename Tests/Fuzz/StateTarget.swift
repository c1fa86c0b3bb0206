// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCI
import SystemPackage
import TestSupport

@testable import LayerStore

extension FuzzTarget {
    /// The file `state` of a layer's directory.
    static let state = FuzzTarget(name: "state", seeds: { try StateReadings.seeds() }) { bytes in
        try StateReadings.check(bytes)
        // With the length that it claims, as far as that is small.
        guard bytes.count >= StateFile.headerSize else { return }
        let claimed = bytes.littleEndian(UInt64.self, at: 16)
        guard claimed < 1 << 34 else { return }
        try StateReadings.check(bytes, length: StateFile.headerSize + StateFile.chunkCount(of: claimed))
    }
}

enum StateReadings {
    private static let key = LayerKey(digest: DigestHasher.digest(of: [1]), form: LayerForm(.tar, .gzip))
    /// In memory where that can be had: a run is a few system calls.
    private static let place: String = {
        var template = Array("/dev/shm/kitfs-fuzz.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("/dev/shm cannot be written") }
        atexit { StateReadings.cleanUp() }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    private static func cleanUp() {
        unlink(place + "/state")
        rmdir(place)
    }

    static func check(_ bytes: [UInt8], length: Int? = nil) throws {
        try writeFile(place + "/state", bytes)
        if let length { require(truncate(place + "/state", length) == 0, "truncate") }
        guard let state = try StateFile.open(in: DirectoryHandle.open(place), key: key) else { return }
        _ = try state.lifecycle
        _ = try state.layerSize
        require(try state.pulse().count == 36, "a pulse of another length")
        let presence = try state.presence()
        let absent = presence.absentRuns.reduce(0) { $0 + $1.count }
        require(presence.presentBytes + absent == state.blobSize, "\(absent) absent of \(state.blobSize)")
        try state.markPresent(0..<state.chunkCount)
        require(try state.presence().absentRuns.isEmpty, "marked, and absent")
        require(try state.presence().presentBytes == state.blobSize, "marked, and absent")
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
