// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Calls `condition` every 10 ms until it is true.
///
/// Blocks the calling thread. The condition is always called once more after the time is over, so that a machine that
/// slept through the whole period does not make a test fail.
///
/// - Parameters:
///   - seconds: how long to keep asking.
///   - what: what is awaited, for the error's text.
/// - Throws: ``TestSupportError`` naming `what` when the time is over, or at once what `condition` throws.
public func eventually(within seconds: Double, _ what: String, _ condition: () throws -> Bool) throws {
    let deadline = monotonicSeconds() + seconds
    while true {
        let late = monotonicSeconds() >= deadline
        if try condition() { return }
        if late { throw TestSupportError("not within \(seconds) s: \(what)") }
        usleep(10_000)
    }
}

/// Seconds since an arbitrary start; never jumps when the wall clock is set.
public func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
