// SPDX-License-Identifier: Apache-2.0

/// Sizes for people: `10GiB`, `1.5MiB`, `37B`.
package enum ByteCount {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// 0 to 100 for any numbers: they may come from another process.
    package static func percent(_ part: UInt64, of whole: UInt64) -> Int {
        whole == 0 ? 100 : Int(min(100, Double(part) / Double(whole) * 100))
    }

    /// Saturates: a manifest may claim any sizes.
    package static func sum(_ counts: some Sequence<UInt64>) -> UInt64 {
        counts.reduce(0) { sum, count in
            let (total, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : total
        }
    }

    package static func text(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = (value * 10).rounded() / 10
        if unit == 0 || tenths >= 100 || tenths == tenths.rounded() {
            return "\(UInt64(tenths.rounded()))\(units[unit])"
        }
        return "\(tenths)\(units[unit])"
    }
}
