// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct ASCIITests {
    private static let digits = "0123456789"
    private static let lowercase = "abcdefghijklmnopqrstuvwxyz"
    private static let visible = digits + lowercase + lowercase.uppercased() + "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

    /// Each class has exactly these of all 256 bytes.
    @Test func classes() {
        func members(_ isMember: (UInt8) -> Bool) -> Set<UInt8> { Set((0...UInt8.max).filter(isMember)) }
        let letters = Self.lowercase + Self.lowercase.uppercased()
        #expect(members(\.isDigit) == Set(Self.digits.utf8))
        #expect(members(\.isOctalDigit) == Set("01234567".utf8))
        #expect(members(\.isLowercaseLetter) == Set(Self.lowercase.utf8))
        #expect(members(\.isUppercaseLetter) == Set(Self.lowercase.uppercased().utf8))
        #expect(members(\.isLetter) == Set(letters.utf8))
        #expect(members(\.isAlphanumeric) == Set((letters + Self.digits).utf8))
        #expect(members(\.isLowercaseHexDigit) == Set("0123456789abcdef".utf8))
        #expect(members(\.isVisible) == Set(Self.visible.utf8))
        #expect(members { $0.hexDigitValue != nil } == Set("0123456789abcdefABCDEF".utf8))
    }

    @Test func hexDigits() {
        #expect("0123456789abcdef".utf8.compactMap(\.hexDigitValue) == Array(0...15))
        #expect("ABCDEF".utf8.compactMap(\.hexDigitValue) == Array(10...15))
    }

    @Test(
        arguments: [
            ("0", 0), ("007", 7), ("18446744073709551615", .max), ("18446744073709551616", nil),
            ("99999999999999999999", nil), ("184467440737095516150", nil), ("", nil), ("+5", nil), ("-5", nil),
            (" 5", nil),
            ("5 ", nil), ("0x5", nil), ("٥", nil),
        ] as [(String, UInt64?)])
    func decimals(_ text: String, _ expected: UInt64?) {
        #expect(UInt64(decimal: text.utf8) == expected)
    }
}
