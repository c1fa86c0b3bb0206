// SPDX-License-Identifier: Apache-2.0
internal import LayerCache

/// Ranges that failed a moment ago. The kernel retries a failed range at once. For a while the answer is the same, for
/// that range and for no other.
struct RecentFailures: Sendable {
    private struct Failure: Sendable {
        /// Chunks of the blob; nil for all chunks.
        let chunks: Range<Int>?
        let error: StoreError
        let until: ContinuousClock.Instant
    }

    private var failures: [Failure] = []
    /// The most failures to remember: a hostile network may fail each range by itself. The last ones are kept.
    private static let limit = 64

    mutating func note(_ error: StoreError, of chunks: Range<Int>?, until end: ContinuousClock.Instant) {
        if failures.count == Self.limit { failures.removeFirst() }
        failures.append(Failure(chunks: chunks, error: error, until: end))
    }

    /// The error of a recent failure of any of these chunks; with nil, of any chunk of the blob.
    mutating func error(of chunks: Range<Int>?, at now: ContinuousClock.Instant) -> StoreError? {
        failures.removeAll { $0.until <= now }
        return failures.first { failure in
            guard let chunks, let failed = failure.chunks else { return true }
            return failed.overlaps(chunks)
        }?.error
    }
}

extension Range<Int> {
    /// This range without `other`: none, one or two ranges.
    func without(_ other: Range<Int>) -> [Range<Int>] {
        guard overlaps(other) else { return [self] }
        return [
            lowerBound..<Swift.max(lowerBound, other.lowerBound), Swift.min(upperBound, other.upperBound)..<upperBound,
        ]
        .filter { !$0.isEmpty }
    }
}
