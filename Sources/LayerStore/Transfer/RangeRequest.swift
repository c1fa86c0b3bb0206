// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// A request to the source that is in progress.
struct RangeRequest: Sendable {
    /// Why bytes are fetched, most urgent first. Each has jobs of its own, so that none waits behind a less urgent one.
    enum Purpose: CaseIterable, Sendable {
        /// Somebody waits for them.
        case demanded
        /// A reader will want them next.
        case ahead
        /// The whole layer is wanted, or what leads to the bytes of a compressed one.
        case whole

        /// Requests of a layer at a time.
        var limit: Int {
            switch self {
            case .demanded: 8
            case .ahead, .whole: 4
            }
        }
    }

    let id: UInt64
    let chunks: Range<Int>
    /// All of the blob comes, from its start on, and the chunks that are missing are taken out of that.
    let isStream: Bool
    let cancellation: Cancellation
}
