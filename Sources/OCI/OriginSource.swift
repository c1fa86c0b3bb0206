// SPDX-License-Identifier: Apache-2.0

/// A source with no other source behind it. By default it gives one range at a time, has no second copy of a blob,
/// and reports no retries.
public protocol OriginSource: BlobSource {}

extension OriginSource {
    public func parts(of blob: Descriptor, _ ranges: [ByteRange], cancellation: Cancellation) -> [[UInt8]?] {
        [[UInt8]?](repeating: nil, count: ranges.count)
    }

    public func distrust(_ blob: Descriptor) -> Bool { false }

    public var trouble: String? { nil }
}
