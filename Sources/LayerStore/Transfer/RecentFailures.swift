// SPDX-License-Identifier: Apache-2.0
internal import LayerCache

/// What could not be fetched a moment ago. The kernel asks again at once for a range that failed: for a while the answer
/// is the same, for that range and for no other.
struct RecentFailures: Sendable {
    private struct Failure: Sendable {
        /// Chunks of the blob; nil for all of them.
        let chunks: Range<Int>?
        let error: StoreError
        let until: ContinuousClock.Instant
    }

    private var failures: [Failure] = []
    /// A hostile network may fail each range by itself; the last ones are remembered.
    private static let limit = 64

    mutating func note(_ error: StoreError, of chunks: Range<Int>?, until end: ContinuousClock.Instant) {
        if failures.count == Self.limit { failures.removeFirst() }
        failures.append(Failure(chunks: chunks, error: error, until: end))
    }

    /// Why one of these chunks cannot be had just now. `chunks` nil: any of the blob's.
    mutating func error(of chunks: Range<Int>?, at now: ContinuousClock.Instant) -> StoreError? {
        failures.removeAll { $0.until <= now }
        return failures.first { failure in
            guard let chunks, let failed = failure.chunks else { return true }
            return failed.overlaps(chunks)
        }?.error
    }
}

extension Range<Int> {
    /// What is left of it: none, one or two parts.
    func without(_ other: Range<Int>) -> [Range<Int>] {
        guard overlaps(other) else { return [self] }
        return [
            lowerBound..<Swift.max(lowerBound, other.lowerBound), Swift.min(upperBound, other.upperBound)..<upperBound,
        ]
        .filter { !$0.isEmpty }
    }
}
