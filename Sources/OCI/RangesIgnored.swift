// SPDX-License-Identifier: Apache-2.0

/// A server answered a request for a range far into a blob with the whole blob. The caller may fetch the whole instead.
public struct RangesIgnored: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "the registry answers a request for a part with the whole" }
}
