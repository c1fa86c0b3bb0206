// SPDX-License-Identifier: Apache-2.0
import ModelKit

/// The meaning of a plain scalar: YAML 1.1's types <https://yaml.org/type/>, and 1.2's core schema, section 10.3.
enum PlainScalar {
    static func meaning(_ text: String) throws -> JSONValue {
        let lower = text.lowercased()
        if ["", "~", "null"].contains(lower) { return .null }
        if ["true", "false"].contains(lower) { return .bool(lower == "true") }
        if ["yes", "no", "on", "off", "y", "n"].contains(lower) { throw YAMLReader.Failure(reason: "1.1's \(text)") }
        let bytes = Array(text.utf8)
        let unsigned = bytes.dropFirst(bytes.first == 45 || bytes.first == 43 ? 1 : 0)
        let isDigit = { (byte: UInt8) in (48...57).contains(byte) }
        if !unsigned.isEmpty, unsigned.allSatisfy(isDigit), unsigned.count == 1 || unsigned.first != 48 {
            return Int64(text).map { .integer($0) } ?? UInt64(text).map { .unsigned($0) }
                ?? .string("too large: \(text)")
        }
        if isFloat(unsigned), let number = Double(text) { return .number(number) }
        // The rest of what looks like a number, a time or a date is not a string in one of the two.
        let isNumberLike =
            unsigned.drop { $0 == 46 }.first.map(isDigit) ?? false
            && bytes.allSatisfy { isDigit($0) || isLetter($0) || "-+.:_ ".utf8.contains($0) }
        if isNumberLike || [".inf", ".nan"].contains(String(decoding: unsigned, as: UTF8.self).lowercased())
            || ["=", "<<"].contains(text)
        {
            throw YAMLReader.Failure(reason: "\(text) may be many things")
        }
        return .string(text)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }

    /// `[0-9]+\.[0-9]*(e[-+][0-9]+)?`, a number in both.
    private static func isFloat(_ text: ArraySlice<UInt8>) -> Bool {
        let isDigit = { (byte: UInt8) in (48...57).contains(byte) }
        let fraction = text.drop(while: isDigit)
        guard fraction.startIndex > text.startIndex, fraction.first == 46 else { return false }
        let exponent = fraction.dropFirst().drop(while: isDigit)
        guard let mark = exponent.first else { return true }
        let digits = exponent.dropFirst(2)
        return mark == 101 && [43, 45].contains(exponent.dropFirst().first) && !digits.isEmpty
            && digits.allSatisfy(isDigit)
    }
}
