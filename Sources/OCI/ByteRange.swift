// SPDX-License-Identifier: Apache-2.0

/// A run of bytes: where it starts, and how long it is. Both are at most `Int64.max`, as is their sum.
public struct ByteRange: Hashable, Sendable {
    public let start: UInt64
    public let count: UInt64

    public var end: UInt64 { start + count }
    public var isEmpty: Bool { count == 0 }

    /// nil if the end cannot be expressed in a file offset.
    public init?(start: UInt64, count: UInt64) {
        let (end, overflow) = start.addingReportingOverflow(count)
        guard !overflow, end <= UInt64(Int64.max) else { return nil }
        self.start = start
        self.count = count
    }

    /// The first `count` bytes, `count` being at most `Int64.max`.
    public init(upTo count: UInt64) {
        precondition(count <= UInt64(Int64.max))
        start = 0
        self.count = count
    }

    /// What remains of this range from `offset` on; empty once `offset` has reached the end.
    public func suffix(from offset: UInt64) -> ByteRange {
        let first = min(max(start, offset), end)
        return ByteRange(start: first, count: end - first) ?? self
    }
}
