// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ModelKit

@Suite struct JSONParsingTests {
    private func parse(_ text: String) -> JSONValue? { JSONValue(parsing: Array(text.utf8)) }

    @Test(
        arguments: [
            ("null", .null), (" true ", .bool(true)), ("\t[false]\r\n", .array([.bool(false)])), ("0", .integer(0)),
            ("-0", .integer(0)), ("-9223372036854775808", .integer(.min)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", .number(18446744073709551616)), ("1.50", .number(1.5)), ("1E+2", .integer(100)),
            ("1.0", .integer(1)), ("1e30", .number(1e30)),
            (#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{8}\u{c}\n\r\tz")),
            (#""\u00e9\ud83d\ude00\u0000""#, .string("é😀\0")),
            ("[]", .array([])), ("{}", .object([:])), (#"{"a":1,"a":2}"#, .object(["a": .integer(2)])),
            (#"{ "a" : [ 1 , {} ] }"#, .object(["a": .array([.integer(1), .object([:])])])),
        ] as [(String, JSONValue)]) func values(_ text: String, _ expected: JSONValue)
    {
        #expect(parse(text) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "True", "01", "+1", "1.", ".5", "1e", "-", "1e999", "NaN", "[1,]", "[,1]", "[1 2]", "[", "]",
        "{",
        #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{1:2}", #"{"a" 1}"#, #"""#, #""\x""#, #""\u12""#, #""\ud800""#,
        #""\ud800\u0041""#, #""\udc00""#, #""\u+041""#, "\"\n\"", "1 2", "\u{FEFF}1", "'a'", "// c\n1",
    ]) func refusals(_ text: String) {
        #expect(parse(text) == nil)
    }

    @Test func invalidUTF8() {
        #expect(JSONValue(parsing: [34, 0xff, 34]) == nil)
        #expect(JSONValue(parsing: [0xff]) == nil)
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(parse(nested(JSONValue.depthLimit)) != nil)
        #expect(parse(nested(JSONValue.depthLimit + 1)) == nil)
        #expect(parse(nested(100_000)) == nil)
        #expect(parse(String(repeating: #"{"":"#, count: 100_000)) == nil)
    }

    /// JSONDecoder takes minutes for this.
    @Test(.timeLimit(.minutes(1))) func manyValuesDeepDown() {
        let depth = JSONValue.depthLimit
        let zeros = Array(repeating: "0", count: 1 << 20).joined(separator: ",")
        let text = String(repeating: "[", count: depth) + zeros + String(repeating: "]", count: depth)
        #expect(parse(text) != nil)
    }
}
