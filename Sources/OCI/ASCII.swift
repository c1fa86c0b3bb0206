// SPDX-License-Identifier: Apache-2.0

/// Classes of ASCII bytes, for what is parsed as bytes. No byte above 127 is in any of them.
extension UInt8 {
    /// `0` to `9`.
    @inlinable package var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// `0` to `7`.
    @inlinable package var isOctalDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(self) }

    /// `a` to `z`.
    @inlinable package var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }

    /// `A` to `Z`.
    @inlinable package var isUppercaseLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }

    @inlinable package var isLetter: Bool { isLowercaseLetter || isUppercaseLetter }

    /// A letter of either case, or a digit.
    @inlinable package var isAlphanumeric: Bool { isLetter || isDigit }

    /// `0` to `9` and `a` to `f`: what digests are written in.
    @inlinable package var isLowercaseHexDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }

    /// 0 to 15 for a hexadecimal digit of either case; nil for any other byte.
    @inlinable package var hexDigitValue: UInt8? {
        if isDigit { return self - UInt8(ascii: "0") }
        let lowercase = self | 0x20
        return (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercase) ? lowercase - UInt8(ascii: "a") + 10 : nil
    }

    /// `!` to `~`: printable, and no space.
    @inlinable package var isVisible: Bool { (UInt8(ascii: "!")...UInt8(ascii: "~")).contains(self) }
}

extension UInt64 {
    /// Reads a number that is written in decimal digits alone: unlike `UInt64(_:)`, which takes `+5`, without a sign.
    /// nil for no digits, for any other byte, and for what does not fit.
    @inlinable package init?(decimal digits: some Sequence<UInt8>) {
        var value: UInt64?
        for digit in digits {
            guard digit.isDigit else { return nil }
            let (tens, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        guard let value else { return nil }
        self = value
    }
}
