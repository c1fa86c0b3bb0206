// SPDX-License-Identifier: Apache-2.0

/// A source that has its bytes itself, with no other source behind it: it gives one range at a time, has no second place
/// for a blob, and reports no retries, unless it says otherwise.
public protocol OriginSource: BlobSource {}

extension OriginSource {
    public func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        [[UInt8]?](repeating: nil, count: ranges.count)
    }

    public func distrust(_ blob: Descriptor) -> Bool { false }

    public var trouble: String? { nil }
}
