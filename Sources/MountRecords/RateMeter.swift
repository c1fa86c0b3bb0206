// SPDX-License-Identifier: Apache-2.0

/// The growth of a byte count over the last five seconds: a rate that follows the network without jumping.
package struct RateMeter {
    private static let window = Duration.seconds(5)
    /// Oldest first; one may be older than the window.
    private var samples: [(at: ContinuousClock.Instant, bytes: UInt64)] = []

    package init() {}

    /// Adds a sample. A count that shrinks was dropped, and the measurement starts anew.
    package mutating func note(_ bytes: UInt64, at now: ContinuousClock.Instant = .now) {
        if let last = samples.last, bytes < last.bytes { samples = [] }
        samples.append((now, bytes))
        while samples.count > 2, now - samples[1].at >= Self.window { samples.removeFirst() }
    }

    /// Bytes a second.
    package var rate: UInt64 {
        guard let first = samples.first, let last = samples.last else { return 0 }
        let seconds = (last.at - first.at) / .seconds(1)
        return seconds > 0 ? UInt64(Double(last.bytes - first.bytes) / seconds) : 0
    }

    /// Seconds until `bytes` more have come at this rate; nil at rate 0. At most 1e9.
    package static func secondsLeft(_ bytes: UInt64, at rate: UInt64) -> Int? {
        rate == 0 ? nil : Int(min(Double(bytes) / Double(rate), 1e9).rounded(.up))
    }
}
