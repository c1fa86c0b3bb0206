// SPDX-License-Identifier: Apache-2.0

/// What a row's numbers count, and how they are written.
enum Quantity: String, Codable, Sendable {
    case seconds, bytesPerSecond, readsPerSecond, bytes

    func text(_ value: Double) -> String {
        switch self {
        case .seconds: value < 1 ? "\(Self.short(value * 1000)) ms" : "\(Self.short(value)) s"
        case .bytesPerSecond: value < 1e9 ? "\(Self.short(value / 1e6)) MB/s" : "\(Self.short(value / 1e9)) GB/s"
        case .readsPerSecond: value < 1000 ? "\(Self.short(value))/s" : "\(Self.short(value / 1000))k/s"
        case .bytes: Self.bytes(value)
        }
    }

    private static func bytes(_ value: Double) -> String {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        for (size, unit) in units where value >= Double(size) { return "\(short(value / Double(size))) \(unit)" }
        return "\(short(value)) B"
    }

    /// Three significant digits, or all digits before the point. The value must fit an Int.
    static func short(_ value: Double) -> String {
        let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : abs(value) >= 1 ? 2 : 3
        let scale = [1.0, 10, 100, 1000][digits]
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
