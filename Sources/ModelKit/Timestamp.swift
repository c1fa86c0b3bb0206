// SPDX-License-Identifier: Apache-2.0
private import OCI

/// A time in the format of Go's JSON, to the second.
///
/// Spec: RFC 3339, section 5.6; the calendar is Gregorian throughout, as Go's is.
struct Timestamp {
    /// Since 1970-01-01T00:00:00Z, rounded down.
    let seconds: Int64

    /// nil unless it is `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`.
    init?(parsing text: String) {
        var rest = Array(text.utf8)[...]
        guard let year = Self.number(&rest, 4), Self.take(&rest, "-"), let month = Self.number(&rest, 2),
            Self.take(&rest, "-"), let day = Self.number(&rest, 2), Self.take(&rest, "T"),
            let hour = Self.number(&rest, 2), Self.take(&rest, ":"), let minute = Self.number(&rest, 2),
            Self.take(&rest, ":"), let second = Self.number(&rest, 2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        if Self.take(&rest, ".") {
            let digits = rest.prefix(while: \.isDigit)
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
        }
        guard let offset = Self.offset(&rest), rest.isEmpty else { return nil }
        seconds = Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    }

    /// The offset from UTC in seconds, positive east of Greenwich.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if take(&rest, "Z") { return 0 }
        let isBehind = take(&rest, "-")
        guard isBehind || take(&rest, "+"), let hours = number(&rest, 2), take(&rest, ":"),
            let minutes = number(&rest, 2), hours < 24, minutes < 60
        else { return nil }
        return (isBehind ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, _ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(\.isDigit) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Days since 1970-01-01. Years begin in March here, so that a leap day is the last day of its year.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        // One period of 400 years, 146,097 days, is added and taken off again, so that no term is negative.
        let past = shifted + 400
        return past * 365 + past / 4 - past / 100 + past / 400 + dayOfYear - 719_468 - 146_097
    }
}
