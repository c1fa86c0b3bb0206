// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
private import Glibc

/// A number of bytes as people write it: `10GiB`, `500MB`, `1.5G` (of 1024), `4096`.
struct ByteSize: ExpressibleByArgument, Equatable {
    let bytes: UInt64

    private static let units: [(name: String, bytes: Double)] = [
        ("", 1), ("b", 1), ("k", 1024), ("kib", 1024), ("kb", 1000), ("m", 1_048_576), ("mib", 1_048_576), ("mb", 1e6),
        ("g", 1_073_741_824), ("gib", 1_073_741_824), ("gb", 1e9), ("t", 1_099_511_627_776),
        ("tib", 1_099_511_627_776), ("tb", 1e12),
    ]

    init?(argument: String) {
        let text = argument.lowercased()
        let number = text.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value >= 0,
            let unit = Self.units.first(where: { $0.name == text.dropFirst(number.count) }),
            let bytes = UInt64(exactly: (value * unit.bytes).rounded())
        else { return nil }
        self.bytes = bytes
    }
}

/// A length of time as people write it: `7d`, `12h`, `30m`, `45s`, `2w`.
struct Age: ExpressibleByArgument, Equatable {
    let seconds: Int64

    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]

    init?(argument: String) {
        guard let last = argument.last, let unit = Self.units[last], let value = Int64(argument.dropLast()), value >= 0
        else { return nil }
        let (seconds, overflow) = value.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        self.seconds = seconds
    }

    /// A length of time, for people: `45 s`, `3 min`, `5 h`, `2 d`.
    static func text(seconds: Int) -> String {
        switch seconds {
        case ..<100: "\(seconds) s"
        case ..<7200: "\((seconds + 30) / 60) min"
        case ..<172_800: "\((seconds + 1800) / 3600) h"
        default: "\((seconds + 43_200) / 86_400) d"
        }
    }

    /// How long ago a time is, for people. `time`: seconds since 1970.
    static func text(since time: Int64) -> String {
        let age = max(0, Int64(Glibc.time(nil)) - time)
        return switch age {
        case ..<120: "now"
        case ..<7200: "\(age / 60) min ago"
        case ..<172_800: "\(age / 3600) h ago"
        default: "\(age / 86_400) d ago"
        }
    }
}
