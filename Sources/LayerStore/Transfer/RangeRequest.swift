// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// A request to the source that is in progress.
struct RangeRequest: Sendable {
    /// Why bytes are fetched, most urgent first. Each purpose has its own jobs, so that none waits behind a less urgent
    /// one.
    enum Purpose: CaseIterable, Sendable {
        /// A reader waits for the bytes.
        case demanded
        /// A reader will want the bytes next.
        case ahead
        /// The whole layer is wanted, or the part of a compressed blob that leads to wanted bytes.
        case whole

        /// The most requests of a layer at a time.
        var limit: Int {
            switch self {
            case .demanded: 8
            case .ahead, .whole: 4
            }
        }
    }

    let id: UInt64
    let chunks: Range<Int>
    /// Whether the whole blob is requested, from its start, and the missing chunks are taken from it.
    let isStream: Bool
    let cancellation: Cancellation
}
