// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The state that a proxy shares with its threads. The threads hold this and not the proxy, whose release stops them.
final class ProxyState: Sendable {
    struct Settings: Sendable {
        var bytesPerSecond: Int?
        var cutAfter: Int?
        var stalled = false
        var refusing = false
        var stopping = false
    }

    private struct Counters {
        var downstreamBytes = 0
        var connections = 0
        var live = 0
        /// The time at which the throttled line is free again, in ``monotonicSeconds()``.
        var lineFreeAt = 0.0
    }

    /// The longest time until a thread sees changed settings, in ms.
    static let tick: Int32 = 20
    private let storedSettings = Mutex(Settings())
    private let counters = Mutex(Counters())

    var settings: Settings { storedSettings.withLock { $0 } }
    var downstreamBytes: Int { counters.withLock { $0.downstreamBytes } }
    var connections: Int { counters.withLock { $0.connections } }
    var live: Int { counters.withLock { $0.live } }

    func change(_ body: (inout Settings) -> Void) {
        storedSettings.withLock { body(&$0) }
    }

    func opened() {
        counters.withLock {
            $0.connections += 1
            $0.live += 1
        }
    }

    func closed() {
        counters.withLock { $0.live -= 1 }
    }

    func delivered(_ count: Int) {
        counters.withLock { $0.downstreamBytes += count }
    }

    /// Reserves time on the throttled line for a piece of `count` bytes.
    ///
    /// - Returns: the time at which the piece may be delivered. Up to one tick of oversleeping is made up for.
    ///   Otherwise every piece would add its delay, and the rate would be too low.
    func book(_ count: Int, at bytesPerSecond: Int) -> Double {
        counters.withLock { counters in
            let start = max(counters.lineFreeAt, monotonicSeconds() - Double(Self.tick) / 1_000)
            counters.lineFreeAt = start + Double(count) / Double(max(1, bytesPerSecond))
            return counters.lineFreeAt
        }
    }
}
