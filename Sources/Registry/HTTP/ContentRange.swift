// SPDX-License-Identifier: Apache-2.0
internal import OCI

/// The value of a `Content-Range` header: `bytes FIRST-LAST/TOTAL`, or `bytes FIRST-LAST/*`.
///
/// Spec: RFC 9110, section 14.4.
struct ContentRange: Equatable {
    /// Offsets in the resource; never empty.
    let range: ByteRange
    /// Length of the resource in bytes, at least `range.end`; nil where the server does not know it.
    let total: UInt64?

    /// nil for every other form: another unit, `bytes */TOTAL` (which belongs to status 416), several values, and
    /// numbers that contradict each other or exceed `Int64.max`.
    init?(_ text: String) {
        let words = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 2, Substring(words[0]).lowercased() == "bytes" else { return nil }
        let sides = words[1].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        let bounds = sides[0].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = UInt64(decimal: bounds[0]), let last = UInt64(decimal: bounds[1]),
            first <= last, last < UInt64(Int64.max), let range = ByteRange(start: first, count: last - first + 1)
        else { return nil }
        self.range = range
        if sides[1].elementsEqual("*".utf8) {
            total = nil
        } else {
            guard let total = UInt64(decimal: sides[1]), last < total else { return nil }
            self.total = total
        }
    }

    /// Whether the range is all of the resource.
    var isWhole: Bool { range.start == 0 && range.end == total }
}
