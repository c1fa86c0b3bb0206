// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// Which chunks of a blob are here, as the state file said at one moment.
struct ChunkPresence: Sendable {
    let blobSize: UInt64
    private let states: [UInt8]

    init(blobSize: UInt64, states: [UInt8]) {
        self.blobSize = blobSize
        self.states = states
    }

    var presentCount: Int { states.reduce(0) { $0 + ($1 == 1 ? 1 : 0) } }

    /// Bytes of the blob that are here.
    var presentBytes: UInt64 {
        let whole = UInt64(presentCount) * StateFile.chunkSize
        let missing = UInt64(states.count) * StateFile.chunkSize - blobSize
        return whole - (states.last == 1 ? missing : 0)
    }

    /// The runs of bytes that are still to be fetched, in order.
    var absentRuns: [ByteRange] {
        var runs: [ByteRange] = []
        var index = 0
        while index < states.count {
            let first = index
            while index < states.count, states[index] != 1 { index += 1 }
            if index > first {
                let start = UInt64(first) * StateFile.chunkSize
                let end = min(UInt64(index) * StateFile.chunkSize, blobSize)
                if let run = ByteRange(start: start, count: end - start) { runs.append(run) }
            }
            while index < states.count, states[index] == 1 { index += 1 }
        }
        return runs
    }
}
