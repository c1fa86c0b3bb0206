// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// How large the inputs are. Targets are for `full`. The other scales are for quick looks, and to see that the bench
/// works.
enum Scale: String, CaseIterable, ExpressibleByArgument {
    case tiny, small, full

    private func pick<Value>(_ tiny: Value, _ small: Value, _ full: Value) -> Value {
        switch self {
        case .tiny: tiny
        case .small: small
        case .full: full
        }
    }

    /// Bytes of the large file.
    var weights: Int { pick(4 << 20, 128 << 20, 1 << 30) }
    /// Bytes of each of the 64 files in the dataset.
    var datasetFile: Int { pick(64 << 10, 1 << 20, 4 << 20) }
    var smallFiles: Int { pick(300, 10_000, 100_000) }
    /// Bytes of the layer that is read while memory is measured.
    var huge: Int { pick(16 << 20, 1 << 30, 10 << 30) }
    /// The numbers of entries for which listings are measured.
    var entries: [Int] { pick([100, 1000], [1000, 10_000, 100_000], [1000, 10_000, 100_000, 1_000_000]) }
    /// The number of members of 500 KB that are listed over a slow line.
    var distantMembers: Int { pick(20, 500, 5000) }
    /// Bytes of the file that is fetched over a slow line.
    var distant: Int { pick(4 << 20, 64 << 20, 256 << 20) }
    /// Seconds of one fio run.
    var fioSeconds: Int { pick(1, 1, 3) }
}
