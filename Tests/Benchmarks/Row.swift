// SPDX-License-Identifier: Apache-2.0

/// A measurement that can be chosen by its name.
struct Row: Sendable {
    let name: String
    let work: String
    let peer: String?
    let quantity: Quantity
    let target: Target?
    /// Measures the row, and first makes its input, which may take long.
    let measure: @Sendable (Ground) throws -> Runs

    init(
        _ name: String, _ work: String, against peer: String? = nil, _ quantity: Quantity, _ target: Target? = nil,
        measure: @escaping @Sendable (Ground) throws -> Runs
    ) {
        (self.name, self.work, self.peer, self.quantity, self.target) = (name, work, peer, quantity, target)
        self.measure = measure
    }

    /// All rows, in the order of the table.
    static func all(_ scale: Scale) -> [Row] {
        [start, firstList, firstMiB, coldVerified, coldStreaming, coldGzip, pull, oneOfMany, eightAtOnce] + warm
            + [
                touch, touchUnprivileged, smallFiles, smallFilesAgain, pageCache, streamingMemory, idleMemory,
                entryMemory,
            ]
            + growth(scale) + distant
    }
}

/// The values of all runs.
struct Runs {
    var kitfs: [Double] = []
    var peer: [Double] = []

    /// Runs A B B A A B …, so that each side goes first as often as the other.
    static func alternating(
        _ rounds: Int, kitfs: () throws -> Double, peer: () throws -> Double
    ) throws -> Runs {
        var runs = Runs()
        for round in 0..<rounds {
            if round % 2 == 0 { runs.kitfs.append(try kitfs()) }
            runs.peer.append(try peer())
            if round % 2 == 1 { runs.kitfs.append(try kitfs()) }
        }
        return runs
    }

    static func alone(_ rounds: Int, kitfs: () throws -> Double) throws -> Runs {
        var runs = Runs()
        for _ in 0..<rounds { runs.kitfs.append(try kitfs()) }
        return runs
    }
}

/// The reason why a row cannot be measured here.
struct NotHere: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
