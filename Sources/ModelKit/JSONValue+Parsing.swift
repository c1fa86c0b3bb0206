// SPDX-License-Identifier: Apache-2.0
private import OCI

/// Spec: RFC 8259, UTF-8 only. The last of several members with one name counts, as in kit.
///
/// `JSONDecoder` is not used. It tries each type in turn for each value, and each failure builds an error with its
/// path: 8 MiB of deeply nested JSON took minutes. This parser takes time and memory in proportion to its input.
extension JSONValue {
    /// nil for invalid JSON, and for JSON nested deeper than `depthLimit`.
    init?(parsing bytes: [UInt8]) {
        var parser = JSONParser(bytes)
        guard let value = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        guard parser.isAtEnd else { return nil }
        self = value
    }

    /// The most levels of arrays and objects.
    static let depthLimit = 500
}

private struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }
    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 32 || (9...10).contains(byte) || byte == 13 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func take(_ word: String, _ value: JSONValue) -> JSONValue? {
        for byte in word.utf8 {
            guard take(byte) else { return nil }
        }
        return value
    }

    mutating func value(depth: Int) -> JSONValue? {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return object(depth: depth + 1)
        case UInt8(ascii: "["): return array(depth: depth + 1)
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "n"): return take("null", .null)
        case UInt8(ascii: "t"): return take("true", .bool(true))
        case UInt8(ascii: "f"): return take("false", .bool(false))
        default: return number()
        }
    }

    /// True after a comma, false after the end of the container; nil for neither.
    private mutating func goesOn(until end: UInt8) -> Bool? {
        skipSpace()
        if take(end) { return false }
        return take(UInt8(ascii: ",")) ? true : nil
    }

    private mutating func array(depth: Int) -> JSONValue? {
        guard depth <= JSONValue.depthLimit else { return nil }
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(values) }
        while let value = value(depth: depth) {
            values.append(value)
            guard let goesOn = goesOn(until: UInt8(ascii: "]")) else { return nil }
            if !goesOn { return .array(values) }
        }
        return nil
    }

    private mutating func object(depth: Int) -> JSONValue? {
        guard depth <= JSONValue.depthLimit else { return nil }
        position += 1
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard let key = string() else { return nil }
            skipSpace()
            guard take(UInt8(ascii: ":")), let value = value(depth: depth) else { return nil }
            members[key] = value
            guard let goesOn = goesOn(until: UInt8(ascii: "}")) else { return nil }
            if !goesOn { return .object(members) }
        }
    }

    // MARK: Numbers

    private mutating func digits() -> Bool {
        let start = position
        while let byte = next, byte.isDigit { position += 1 }
        return position > start
    }

    /// `1.0` is the integer 1. nil also for a number outside the range of `Double`.
    private mutating func number() -> JSONValue? {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard digits() else { return nil } }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            guard digits() else { return nil }
            isInteger = false
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() else { return nil }
            isInteger = false
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        if isInteger, let value = UInt64(text) { return .unsigned(value) }
        guard let value = Double(text), value.isFinite else { return nil }
        return Int64(exactly: value).map { .integer($0) } ?? UInt64(exactly: value).map { .unsigned($0) }
            ?? .number(value)
    }

    // MARK: Strings

    /// nil for control characters, invalid UTF-8 and unpaired surrogates.
    private mutating func string() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var text: [UInt8] = []
        var runStart = position
        while let byte = next, byte >= 32 {
            position += 1
            guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            text.append(contentsOf: bytes[runStart..<position - 1])
            if byte == UInt8(ascii: "\"") { return String(validating: text, as: UTF8.self) }
            guard let scalar = escaped() else { return nil }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            runStart = position
        }
        return nil
    }

    private mutating func escaped() -> Unicode.Scalar? {
        guard let byte = next else { return nil }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let high = hexadecimal() else { return nil }
            if let scalar = Unicode.Scalar(high) { return scalar }
            guard high < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), let low = hexadecimal(),
                (0xDC00...0xDFFF).contains(low)
            else { return nil }
            return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        default: return nil
        }
    }

    /// Four hexadecimal digits.
    private mutating func hexadecimal() -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = next?.hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
