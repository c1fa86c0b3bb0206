// SPDX-License-Identifier: Apache-2.0

/// A source was asked for a range that starts far behind the blob's start, and answers with the whole blob. Whoever
/// wants the range takes the whole, or does without.
public struct RangesIgnored: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "the registry answers a request for a part with the whole" }
}
